"""Tests of `dialect` and `openai_compatible`: what an endpoint refuses is found out, once, and done without."""

from typing import Any

import orjson
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from harness.errors import ModelUnavailable
from harness.models.dialect import Dialect, InWords
from harness.models.failures import ModelCallFailed
from tests.harness.models.chains import Unused, chain, factory_for, streamed
from tests.support.peers.openai_faults import LooseCalls, Picky
from tests.support.peers.openai_replies import Body, Failure, Reply, Request, Text, ToolCalls
from tests.support.peers.openai_server import OpenAIServer


@tool
def look_up(name: str) -> str:
    """The number of a name."""
    return name


class Plan(BaseModel):
    """A plan."""

    steps: int


def refusal(told: str, status: int = 400) -> ModelCallFailed:
    failure = ModelCallFailed("refused")
    failure.status, failure.told = status, told
    return failure


ALL = {"max_completion_tokens", "stream_options", "response_format", "tool_choice", "tools"}


@pytest.mark.parametrize(
    ("told", "status", "left_out"),
    [
        ("Unrecognized request argument supplied: max_completion_tokens", 400, "max_completion_tokens"),
        ("stream_options: Extra inputs are not permitted", 422, "stream_options"),
        ("response_format type json_schema is unavailable now", 400, "response_format"),
        ("tool_choice must be auto", 400, "tool_choice"),
        ("does not support tools", 400, "tools"),
        ("This model doesn't support tool use.", 400, "tools"),
        ("tools param requires --jinja flag", 500, "tools"),
        ("No endpoints found that support tool use", 404, "tools"),
        ("Extra inputs are not permitted", 422, "max_completion_tokens"),
        ("a tool of ours broke", 500, None),
        ("tools are not for this key", 403, None),
        ("This model's maximum context length is 8192 tokens", 400, None),
        ("slow down, you and your tools", 429, None),
    ],
)
def test_a_refusal_tells_what_to_do_without(told: str, status: int, left_out: str | None) -> None:
    assert Dialect("m", frozenset()).next_to_leave_out(refusal(told, status), ALL, set()) == left_out


def test_what_was_taken_before_is_left_out_only_by_its_name() -> None:
    dialect = Dialect("m", frozenset())
    dialect.learn(ALL, frozenset())
    assert dialect.next_to_leave_out(refusal("Unsupported parameter"), ALL, set()) is None
    assert dialect.next_to_leave_out(refusal("Unsupported parameter: tools"), ALL, set()) == "tools"


def test_what_is_not_sent_cannot_be_left_out() -> None:
    assert Dialect("m", frozenset()).next_to_leave_out(refusal("no tools"), {"tool_choice"}, set()) is None


async def test_a_refusal_that_nothing_helps_against_stays_what_it_was() -> None:
    with OpenAIServer(lambda request: Failure(400, f"max_completion_tokens {len(request.body)}")) as server:
        async with chain(server) as model:
            for _ in range(2):
                with pytest.raises(ModelUnavailable, match="refused"):
                    await model.ainvoke("hi")
        asked = [sorted({"max_tokens", "max_completion_tokens"} & it.body.keys()) for it in server.requests]
        assert asked == [["max_completion_tokens"], ["max_tokens"]] * 2


async def test_what_one_role_finds_out_every_role_knows() -> None:
    picky = Picky("max_completion_tokens", "unknown: max_completion_tokens", lambda _: Text("hello"))
    with OpenAIServer(picky) as server:
        async with factory_for(server) as factory:
            assert (await factory.for_role("writer", Unused()).ainvoke("hi")).text == "hello"
            assert await streamed(factory.for_role("agent", Unused())) == "hello"
        assert [it.body.get("max_tokens") for it in server.requests] == [None, 1024, 1024]


async def test_a_format_that_is_refused_is_told_in_words() -> None:
    picky = Picky("response_format", "response_format is not supported", lambda _: Text('Yes: ```{"steps": 2}```'))
    schema = {"type": "json_schema", "json_schema": {"name": "Plan", "schema": Plan.model_json_schema()}}
    with OpenAIServer(picky) as server:
        async with chain(server) as model:
            answer = await model.bind_tools([], response_format=schema).ainvoke("hi")
        assert orjson.loads(str(answer.text)) == {"steps": 2}
        assert "steps" in str(server.requests[-1].messages[0]["content"])


TALK: list[Any] = [
    SystemMessage("Be kind."),
    HumanMessage("How many moons?"),
    AIMessage("I look.", tool_calls=[{"name": "look_up", "args": {"name": "mars"}, "id": "1"}]),
    ToolMessage("2", tool_call_id="1", name="look_up"),
]


def test_tools_their_calls_and_results_are_told_in_words() -> None:
    told = InWords([look_up], {}, is_required=False).request(TALK, {"tools"})
    assert [it.type for it in told] == ["system", "human", "ai", "human"]
    assert told[0].text.startswith("Be kind.")
    assert "look_up" in told[0].text
    assert not told[2].tool_calls
    assert orjson.loads(told[2].text.partition("\n")[2]) == {"name": "look_up", "arguments": {"name": "mars"}}
    assert told[3].text == "Result of look_up:\n2"


def test_an_endpoint_that_lacks_nothing_is_given_the_conversation_itself() -> None:
    assert InWords([look_up], {}, is_required=False).request(TALK, set()) is TALK


FORMS: list[tuple[Any, dict[str, Any]]] = [
    ({"name": "mars"}, {"name": "mars"}),
    ('"{\\"name\\": \\"mars\\"}"', {"name": "mars"}),
    ('{"name": "mars",}', {"name": "mars"}),
    ('{"name": "\\ud83d\\ude80"}', {"name": "🚀"}),
    (None, {}),
]


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize(("written", "read"), FORMS, ids=str)
async def test_arguments_come_as_an_object(written: Any, read: dict[str, Any], how: str, is_indexed: bool) -> None:
    calls = LooseCalls([("look_up", {}), ("look_up", {})], written=written, is_indexed=is_indexed)
    with OpenAIServer([calls]) as server:
        async with chain(server) as model:
            bound: Any = model.bind_tools([look_up])
            if how == "whole":
                answer = await bound.ainvoke("hi")
            else:
                answer = bound.joined([piece async for piece in bound.astream("hi")])
    assert [it["args"] for it in answer.tool_calls] == [read, read]
    assert len({it["id"] for it in answer.tool_calls}) == 2


async def test_the_older_function_call_is_a_call() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": '{"name": "x"}'}}
    body = Body(orjson.dumps({"choices": [{"message": called, "finish_reason": "function_call"}]}))
    with OpenAIServer([body]) as server:
        async with chain(server) as model:
            answer = await model.bind_tools([look_up]).ainvoke("hi")
    assert [it["args"] for it in answer.tool_calls] == [{"name": "x"}]


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_text_in_parts_is_its_text(how: str) -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hello."}]
    name = "delta" if how == "stream" else "message"
    told = orjson.dumps({"choices": [{"index": 0, name: {"content": parts}, "finish_reason": "stop"}]})
    body = Body(b"data: " + told + b"\n\ndata: [DONE]\n\n" if how == "stream" else told)
    with OpenAIServer([body]) as server:
        async with chain(server) as model:
            said = await streamed(model) if how == "stream" else (await model.ainvoke("hi")).text
    assert said == "Hello."


async def test_a_name_that_a_stream_says_with_each_piece_is_one() -> None:
    pieces = [{"name": "look_up", "arguments": it} for it in ('{"name": ', '"x"}')]
    choices = [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a", "function": it}]}} for it in pieces]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    body = Body(b"".join(b"data: " + orjson.dumps({"choices": [it]}) + b"\n\n" for it in choices))
    with OpenAIServer([body]) as server:
        async with chain(server) as model:
            bound: Any = model.bind_tools([look_up])
            answer = bound.joined([piece async for piece in bound.astream("hi")])
    assert [(it["name"], it["args"]) for it in answer.tool_calls] == [("look_up", {"name": "x"})]


async def test_a_refusal_beside_the_words_is_withheld() -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I will not."}
    body = Body(orjson.dumps({"choices": [{"message": refused, "finish_reason": "stop"}]}))
    with OpenAIServer([body]) as server:
        async with chain(server) as model:
            with pytest.raises(ModelUnavailable, match="withheld"):
                await model.ainvoke("hi")


async def test_calls_that_cannot_be_read_are_told_to_the_model_once() -> None:
    def say(request: Request) -> Reply:
        has_been_told = "could not be read" in str(request.messages[-1]["content"])
        return ToolCalls([("look_up", {"name": "x"})]) if has_been_told else LooseCalls([("look_up", {})], written="{x")

    with OpenAIServer(say) as server:
        async with chain(server) as model:
            answer = await model.bind_tools([look_up]).ainvoke("hi")
        assert len(server.requests) == 2
    assert [it["args"] for it in answer.tool_calls] == [{"name": "x"}]
    assert not answer.invalid_tool_calls


async def test_an_endpoint_that_called_in_between_does_know_tools() -> None:
    prose, words, called = Text("Let me think."), Text('{"steps": 1}'), ToolCalls([("Plan", {"steps": 1})])
    with OpenAIServer([prose, words, called, prose, words, called]) as server:
        async with chain(server) as model:
            planner = model.bind_tools([Plan], tool_choice="any")
            for _ in range(4):
                assert [it["args"] for it in (await planner.ainvoke("hi")).tool_calls] == [{"steps": 1}]
        assert [bool(it.tools) for it in server.requests] == [True, False, True, True, False, True]
