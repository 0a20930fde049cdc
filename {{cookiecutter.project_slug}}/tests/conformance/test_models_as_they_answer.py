"""Answers as compatible endpoints and thinking models give them: nothing cut, thought or miscounted passes as whole."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.conformance.conftest import Served
from tests.support.peers import openai_faults as faults
from tests.support.peers.openai_replies import Body, Failure, Reply, Request, Text, ToolCalls
from tests.support.scripted_model import PLAN, QUESTION, WRITTEN

ONE = "How many moons has Mars?"
SAID = "My tool says 2 for mars."
DATA = "mars has 2 moons."
CUT_REASONS = ("length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded", "no_such_reason")
BROKEN_REASONS = ("error", "abort", "network_error", "MALFORMED_FUNCTION_CALL")
FILTERED_REASONS = ("content_filter", "SAFETY", "refusal", "sensitive")


def one_task(request: Request) -> Reply:
    """The planner's model: one task, so that the agent's words are the answer."""
    return ToolCalls([(request.tools[0], {**PLAN, "tasks": PLAN["tasks"][:1]})])


def break_agent(served: Served, script: Reply | Callable[[Request], Reply]) -> None:
    served.model.breaks(script, "agent")
    served.model.breaks(one_task, "planner")


def after_tool(reply: Reply) -> Callable[[Request], Reply]:
    """The agent's model: it calls its tool, then gives `reply`."""
    return lambda request: reply if request.results else ToolCalls([("look_up", {"name": "mars"})])


async def answered(served: Served, how: str, message: str = ONE) -> dict[str, Any]:
    """The reply, whole or at the end of a stream whose words are the answer."""
    if how == "whole":
        return await served.ask(message)
    events = await served.stream(message)
    final = events[-1][1]
    shown = ""
    for name, data in events:
        shown = "" if name == "withdrawn" else shown + data["text"] if name == "token" else shown
    assert shown.strip() == final["answer"].strip()
    return final


HOW = pytest.mark.parametrize("how", ["whole", "stream"])


@HOW
@pytest.mark.parametrize("finish", CUT_REASONS)
@pytest.mark.checklist("TEST-5")
async def test_a_cut_answer_ends_with_its_last_whole_sentence_and_says_so(
    served: Served, finish: str, how: str
) -> None:
    break_agent(served, after_tool(Text(f"{SAID} And then there are the mo", finish)))
    await served.start()
    reply = await answered(served, how)
    assert reply["answer"] == SAID
    assert reply["degraded_because"] == ["cut_answer"]


@HOW
async def test_a_cut_answer_is_not_cached(served: Served, how: str) -> None:
    break_agent(served, after_tool(Text(f"{SAID} And then there are the mo", "length")))
    await served.start(llm_breaker_failures=100)
    await answered(served, how)
    break_agent(served, faults.Html())
    reply = await answered(served, how)
    assert reply["answer"] == DATA
    assert "kept_answer" not in reply["degraded_because"]


@HOW
@pytest.mark.parametrize("finish", ["length", *BROKEN_REASONS, *FILTERED_REASONS])
async def test_an_answer_without_a_whole_sentence_is_none(served: Served, finish: str, how: str) -> None:
    break_agent(served, after_tool(Text("My tool says 2 for", finish)))
    await served.start()
    reply = await answered(served, how)
    assert reply["answer"] == DATA
    assert reply["degraded_because"] == ["model_unavailable"]


@HOW
@pytest.mark.parametrize("finish", [*BROKEN_REASONS, *FILTERED_REASONS])
async def test_what_broke_or_was_filtered_leaves_no_sentence(served: Served, finish: str, how: str) -> None:
    served.model.breaks(Text("As I was told: 2 moons. And", finish), "writer")
    await served.start()
    reply = await answered(served, how, QUESTION)
    assert reply["answer"] == "My tool says 2 for mars.\n\nMy tool says 8849 for everest."
    assert reply["degraded_because"] == ["writer_unavailable"]


@HOW
async def test_a_cut_writer_is_marked(served: Served, how: str) -> None:
    served.model.breaks(Text(f"{WRITTEN} And mor", "length"), "writer")
    await served.start()
    reply = await answered(served, how, QUESTION)
    assert reply["answer"] == WRITTEN
    assert reply["degraded_because"] == ["cut_answer"]


async def test_half_a_call_is_not_carried_out(served: Served) -> None:
    break_agent(served, lambda _: ToolCalls([("look_up", {"name": "mars"})], "length"))
    await served.start()
    reply = await served.ask(ONE)
    assert reply["degraded_because"] == ["model_unavailable"]


@HOW
@pytest.mark.parametrize(
    "reply", [Text("", "content_filter"), Text("", "stop"), Text("", "length")], ids=lambda it: it.finish
)
async def test_what_a_question_causes_leaves_the_model_to_the_others(served: Served, reply: Reply, how: str) -> None:
    break_agent(served, reply)
    await served.start(llm_breaker_failures=2, llm_breaker_seconds=3600)
    for _ in range(4):
        assert (await answered(served, how))["degraded_because"] == ["model_unavailable"]
    served.model.heal()
    assert (await answered(served, how))["degraded_because"] == []


THOUGHTS = {
    "closed": "<think>2? The user wants quux.</think>\n\n{said}",
    "with attributes": '<Think type="deep">Hm.</THINK >{said}',
    "opened by the template": "First I look. It is quux.</think>\n{said}",
    "twice": "<think>a</think>{said}<think>b</think>",
    "of Mistral": "[THINK]quux?[/THINK]{said}",
    "of Kimi": "◁think▷quux?◁/think▷{said}",
    "of gpt-oss": "<|channel|>analysis<|message|>quux?<|end|><|start|>assistant<|channel|>final<|message|>{said}<|return|>",
    "left open at the end": "{said}\n<think>Shall I say more?",
}


@HOW
@pytest.mark.parametrize("thought", THOUGHTS.values(), ids=THOUGHTS.keys())
async def test_thoughts_are_no_part_of_an_answer(served: Served, thought: str, how: str) -> None:
    break_agent(served, after_tool(Text(thought.format(said=SAID))))
    await served.start()
    for _ in range(2):
        reply = await answered(served, how)
        assert reply["answer"] == SAID
        assert reply["degraded_because"] == []
    assert "quux" not in served.lines.text


@HOW
@pytest.mark.parametrize("thought", ["<think>and so on", "<thinking>\nand so on. On and on."])
async def test_thoughts_without_an_end_are_no_answer(served: Served, thought: str, how: str) -> None:
    break_agent(served, after_tool(Text(thought)))
    await served.start()
    reply = await answered(served, how)
    assert (reply["answer"], reply["degraded_because"]) == (DATA, ["model_unavailable"])


async def test_a_plan_after_thoughts_is_a_plan(served: Served) -> None:
    plan = orjson.dumps(PLAN).decode()
    served.model.breaks(lambda _: Text("<think>{} two tasks</think>" + plan), "planner")
    await served.start()
    assert not (await served.ask(QUESTION))["degraded"]


SIGNS = {
    "line ends": ("My tool says\r\n2 for mars.\r", "My tool says\n2 for mars."),
    "soft hyphen": ("My to\u00adol says 2 for mars.", SAID),
    "direction": ("\u200fMy tool says 2\u200e for mars.", SAID),
    "byte order": (f"\ufeff{SAID}", SAID),
    "zero width": ("My tool\u200b says 2 for mars.", SAID),
    "isolated": ("My tool says \u20682\u2069 for mars.", SAID),
    "lines of Unicode": ("My tool says\u20282 for mars.", "My tool says\n2 for mars."),
    "flags": (f"{SAID} 🇪🇸 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,
    "family": (f"{SAID} 👩\u200d🚀",) * 2,
}


@HOW
@pytest.mark.parametrize(("said", "shown"), SIGNS.values(), ids=SIGNS.keys())
async def test_signs_that_mean_no_harm_cost_no_answer(served: Served, said: str, shown: str, how: str) -> None:
    break_agent(served, after_tool(Text(said)))
    await served.start()
    reply = await answered(served, how)
    assert (reply["answer"], reply["degraded_because"]) == (shown, [])


@pytest.mark.parametrize(
    "emoji", ["🚀", "👩\u200d🚀", "🇪🇸", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"]
)
async def test_the_halves_of_an_emoji_are_joined(served: Served, emoji: str) -> None:
    break_agent(served, after_tool(faults.InUnits(f"{SAID} {emoji} 2!\r\nBye.")))
    await served.start()
    reply = await answered(served, "stream")
    assert (reply["answer"], reply["degraded_because"]) == (f"{SAID} {emoji} 2!\nBye.", [])


@HOW
async def test_half_an_emoji_alone_is_left_out(served: Served, how: str) -> None:
    body = Body(b'{"choices":[{"message":{"content":"My tool says 2 for mars. \\ud83d"},"finish_reason":"stop"}]}')
    reply_of = faults.InUnits(f"{SAID} \ud83d") if how == "stream" else body
    break_agent(served, after_tool(reply_of))
    await served.start()
    reply = await answered(served, how)
    assert (reply["answer"], reply["degraded_because"]) == (SAID, [])


async def test_usage_in_every_piece_counts_once(served: Served) -> None:
    served.model.breaks(faults.Counting("As I was told: " + "2 and " * 200 + "8849."), "writer")
    await served.start()
    reply = await answered(served, "stream", QUESTION)
    # Planner and two agents with two calls each take 18 a call; the writer's last count is all of it.
    assert reply["usage"]["input_tokens"] == 5 * 11 + 1000
    assert reply["usage"]["output_tokens"] == 5 * 7 + 405


CALLS: dict[str, Callable[[], Reply]] = {
    "an object": lambda: faults.LooseCalls([("look_up", {})], written={"name": "mars"}),
    "encoded twice": lambda: faults.LooseCalls([("look_up", {})], written='"{\\"name\\": \\"mars\\"}"'),
    "a comma too many": lambda: faults.LooseCalls([("look_up", {})], written='{"name": "mars",}'),
    "Python's": lambda: faults.LooseCalls([("look_up", {})], written="{'name': 'mars'}"),
    "in a fence": lambda: faults.LooseCalls([("look_up", {})], written='```json\n{"name": "mars"}\n```'),
    "without an index": lambda: faults.LooseCalls([("look_up", {})], written='{"name": "mars"}', is_indexed=False),
    "a longer name": lambda: faults.LooseCalls([("functions.look_up", {})], written='{"name": "mars"}'),
    "as text": lambda: Text('{"name": "look_up", "arguments": {"name": "mars"}}'),
    "as marked text": lambda: Text('<tool_call>\n{"name": "look_up", "arguments": {"name": "mars"}}\n</tool_call>'),
    "ended by stop": lambda: ToolCalls([("look_up", {"name": "mars"})], "stop"),
}


@HOW
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_a_call_whose_meaning_is_plain_is_carried_out(
    served: Served, call: Callable[[], Reply], how: str
) -> None:
    break_agent(served, lambda request: Text(SAID) if request.results else call())
    await served.start()
    reply = await answered(served, how)
    assert (reply["answer"], reply["degraded_because"]) == (SAID, [])
    assert len(served.asked("agent")) == 2


@HOW
async def test_a_call_that_cannot_be_read_is_told_to_the_model_once(served: Served, how: str) -> None:
    broken = faults.LooseCalls([("look_up", {})], written="{mars")
    said = iter([broken, ToolCalls([("look_up", {"name": "mars"})])])
    break_agent(served, lambda request: Text(SAID) if request.results else next(said))
    await served.start()
    reply = await answered(served, how)
    assert (reply["answer"], reply["degraded_because"]) == (SAID, [])
    assert "could not be read" in str(served.asked("agent")[1].messages[-1]["content"])


async def test_a_model_that_cannot_call_at_all_is_told_no_more_than_once(served: Served) -> None:
    break_agent(served, faults.LooseCalls([("look_up", {})], written="{mars"))
    await served.start()
    reply = await served.ask(ONE)
    assert (reply["answer"], reply["degraded_because"]) == (DATA, ["model_unavailable"])
    assert len(served.asked("agent")) == 2


PLANS = {
    "bare": "{plan}",
    "in a fence": "```json\n{plan}\n```",
    "after words": "Here is the plan for you:\n\n{plan}\n\nI hope that it helps!",
    "with a comma too many": "{plan_with_comma}",
}


@pytest.mark.parametrize("form", PLANS.values(), ids=PLANS.keys())
async def test_a_plan_that_is_written_as_text_is_read(served: Served, form: str) -> None:
    plan = orjson.dumps(PLAN).decode()
    text = form.replace("{plan_with_comma}", f"{plan[:-1]},}}").replace("{plan}", plan)
    served.model.breaks(Text(text), "planner")
    await served.start()
    assert not (await served.ask(QUESTION))["degraded"]
    assert len(served.asked("planner")) == 1


REFUSALS = [
    ("max_completion_tokens", "Unrecognized request argument supplied: max_completion_tokens", 400),
    ("max_completion_tokens", '{"loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}', 422),
    ("max_completion_tokens", "Unsupported parameter", 400),
    ("stream_options", "stream_options is not supported", 400),
    ("tool_choice", 'tool_choice "required" is not supported', 400),
    ("tools", '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', 400),
    ("tools", "registry.example/model does not support tools", 400),
    ("tools", "tools param requires --jinja flag", 500),
    ("tools", "No endpoints found that support tool use", 404),
]


def without_tools(request: Request) -> Reply:
    """A model that reads what it may call in its prompt."""
    told = str(request.messages[0]["content"])
    role = request.model.removeprefix("scripted-")
    if role == "planner":
        assert "JSON schema" in told
        return Text(f"Sure!\n{orjson.dumps(PLAN).decode()}")
    if role == "writer":
        return Text(WRITTEN)
    assert "look_up" in told
    last = str(request.messages[-1]["content"])
    name, number = ("mars", 2) if "mars" in str(request.messages[1]["content"]).lower() else ("everest", 8849)
    if "Result of look_up" in last:
        return Text(f"My tool says {number} for {name}.")
    return Text(orjson.dumps({"name": "look_up", "arguments": {"name": name}}).decode())


@HOW
@pytest.mark.parametrize(
    ("refused", "told", "status"), REFUSALS, ids=[f"{it[0]} {it[2]} {it[1][:20]}" for it in REFUSALS]
)
async def test_what_an_endpoint_refuses_to_be_sent_it_is_not_sent_again(
    served: Served, refused: str, told: str, status: int, how: str
) -> None:
    good = without_tools if refused == "tools" else served.model.__class__.__mro__[1].__call__.__get__(served.model)
    served.model.breaks(faults.Picky(refused, told, good, status), "planner", "agent", "writer")
    await served.start(llm_max_retries=0)
    reply = await answered(served, how, QUESTION)
    assert (reply["answer"], reply["degraded_because"]) == (WRITTEN, [])
    served.server.requests.clear()
    assert not (await answered(served, how, QUESTION))["degraded"]
    if how == "whole" or refused != "stream_options":
        assert not [it for it in served.server.requests if refused in it.body]
    lacking = served.lines.named("endpoint_lacks")
    assert len(lacking) == len({it["model"] for it in lacking})
    if refused == "max_completion_tokens":
        assert all(it.body["max_tokens"] == 1024 for it in served.server.requests)


async def test_an_endpoint_that_leaves_tools_out_without_a_word_is_told_the_plan_s_form_in_words(
    served: Served,
) -> None:
    def deaf(request: Request) -> Reply:
        return Text("I would ask the moons agent.") if request.tools else without_tools(request)

    served.model.breaks(deaf, "planner")
    await served.start()
    for _ in range(3):
        assert not (await served.ask(QUESTION))["degraded"]
    assert len(served.asked("planner")) == 2 + 2 + 1  # twice asked twice, then known
    assert len(served.lines.named("endpoint_lacks")) == 1


@HOW
async def test_a_filter_s_error_in_mid_stream_leaves_the_model_to_the_others(served: Served, how: str) -> None:
    error = Body(
        b'data: {"error": {"code": "content_filter", "message": "The response was filtered"}}\n\n',
        content_type="text/event-stream",
    )
    refusal = Failure(400, "The response was filtered: content_filter")
    served.model.breaks(lambda request: error if request.streams else refusal, "writer")
    await served.start(llm_breaker_failures=2, llm_breaker_seconds=3600)
    for _ in range(4):
        assert (await answered(served, how, QUESTION))["degraded_because"] == ["writer_unavailable"]
    served.model.heal()
    assert not (await answered(served, how, QUESTION))["degraded"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thoughts_beside_the_words_are_no_silence(served: Served, field: str) -> None:
    thinking = faults.Thinking(WRITTEN, pause_seconds=0.2, field=field)
    served.model.breaks(thinking, "writer")
    await served.start(llm_first_token_seconds=0.7)
    reply = await answered(served, "stream", QUESTION)
    assert (reply["answer"], reply["degraded_because"]) == (WRITTEN, [])
