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
