"""Endpoints that speak the protocol loosely: calls and plans in other forms, and what they refuse to be sent."""

from collections.abc import Callable

import orjson
import pytest

from tests.conformance.conftest import Served
from tests.conformance.test_models_as_they_answer import DATA, HOW, ONE, SAID, answered, break_agent
from tests.support.peers import openai_faults as faults
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls
from tests.support.scripted_model import PLAN, QUESTION, WRITTEN

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
