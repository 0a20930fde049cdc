"""The words of the answer while they are written: early, checked, and taken back when they are not the answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel

from harness.guards.output import OutputGuard
from harness.models.rule_based import RuleBasedModel
from harness.runtime.agent_flows import Handoffs, Supervisor
from harness.runtime.answer_stream import AnswerStream
from harness.runtime.flows import Parallel
from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.runtime.replies import Event
from harness.sources.policy import Policy
from tests.harness.runtime.graphs import InTurn, Shop, Stage, call
from tests.harness.runtime.scripted import NO_LEAKS
from tests.support.agents import MoonsAgent

OPEN = {"grounding": "open"}
MOONS = "Mars has 2 moons. They are small and dark and their days are very short. Nobody lives there."


def one_node(*nodes: Any) -> Any:
    builder = StateGraph(MessagesState)
    for at, node in enumerate(nodes):
        builder.add_node(f"n{at}", node)
        builder.add_edge(f"n{at - 1}" if at else START, f"n{at}")
    return builder.compile()


async def asked(state: MessagesState) -> Any:
    return {"messages": [await model().ainvoke(state["messages"])]}


LOOKS = call("look_up", name="mars")
FLOWS: list[tuple[Any, Sequence[AIMessage | str]]] = [
    (Parallel(), [LOOKS]),
    (Supervisor(grounding="open"), []),
    (Handoffs(), [LOOKS]),
    (one_node(asked), []),
]


@pytest.mark.parametrize(("flow", "before"), FLOWS, ids=["parallel", "supervisor", "handoffs", "own"])
async def test_the_first_sentence_is_read_before_the_last_is_written(
    begin: Stage, monkeypatch: pytest.MonkeyPatch, flow: Any, before: Sequence[Any]
) -> None:
    was_read, whole = asyncio.Event(), RuleBasedModel._astream

    async def slowly(self: RuleBasedModel, messages: Any, *more: Any, **options: Any) -> AsyncIterator[Any]:
        at = 0
        async for piece in whole(self, messages, *more, **options):
            if at == 2 and piece.text:  # never, unless somebody has read the first sentence
                await was_read.wait()
            yield piece
            at += 1

    monkeypatch.setattr(RuleBasedModel, "_astream", slowly)
    ports = OPEN if flow is FLOWS[3][0] else None
    talk = begin(flow, InTurn(*before, MOONS), [MoonsAgent], ports=ports)
    told: list[Event] = []
    async with asyncio.timeout(10):
        async for event in talk.events("How many moons has Mars?"):
            told.append(event)
            if event["event"] == "token":
                was_read.set()
    tokens = [it["data"]["text"] for it in told if it["event"] == "token"]
    assert tokens[0] == "Mars has 2 moons. "
    assert "".join(tokens) == told[-1]["data"]["answer"] == MOONS
    assert told[0]["event"] == "started"
    assert "withdrawn" not in [it["event"] for it in told]


async def test_words_that_lead_to_another_call_are_withdrawn(begin: Stage) -> None:
    talk = begin(one_node(asked, asked), InTurn("One word. And more.", "Another word."), ports=OPEN)
    assert await talk.streamed("Say it") == [
        ("token", "One word. "),
        ("token", "And more."),
        ("withdrawn", "revised"),
        ("token", "Another word."),
        ("final", "Another word."),
    ]


async def test_words_that_lead_to_tools_are_withdrawn(begin: Stage, shop: Shop) -> None:
    first = AIMessage("I look it up. Wait.", tool_calls=call("find", number=7).tool_calls)
    talk = begin(create_agent(model(), shop.tools()), InTurn(first, "Order 7 is open."), ports=OPEN)
    assert await talk.streamed("What is the state of order 7?") == [
        ("token", "I look it up. "),
        ("withdrawn", "revised"),
        ("token", "Order 7 is open."),
        ("final", "Order 7 is open."),
    ]


class Verdict(BaseModel):
    """A verdict."""

    text: str


async def test_a_filled_schema_and_the_words_of_nested_agents_are_not_streamed(begin: Stage) -> None:
    inner = create_agent(model(), [])

    async def ask(request: str) -> str:
        """Ask the desk."""
        return str((await inner.ainvoke({"messages": [HumanMessage(request)]}))["messages"][-1].text)

    async def judge(state: MessagesState) -> Any:
        await model().with_structured_output(Verdict).ainvoke(state["messages"])

    graph = one_node(judge, create_agent(model(), tools(ask, policy=Policy(tools=frozenset({"ask"})))))
    filled = AIMessage("Unasked words. More.", tool_calls=call("Verdict", text="good").tool_calls)
    say = InTurn(filled, call("ask", request="one"), "The desk speaks. Long.", "This is it.")
    assert await begin(graph, say, ports=OPEN).streamed("Ask the desk") == [
        ("token", "This is it."),
        ("final", "This is it."),
    ]


async def test_only_the_writers_that_are_named_are_heard(begin: Stage) -> None:
    talk = begin(one_node(asked, asked), InTurn("One word.", "Another."), ports={**OPEN, "writers": ["n1"]})
    assert await talk.streamed("Say it") == [("token", "Another."), ("final", "Another.")]


async def test_nothing_is_streamed_before_something_was_found(begin: Stage) -> None:
    """Its first words cannot be the answer at this level: they are checked, and asked back, whole."""
    talk = begin(one_node(asked), InTurn("Mars has 2 moons. Two."))
    (final,) = [it for it in await talk.streamed("How many moons has Mars?") if it[0] == "final"]
    assert "2 moons" not in final[1]


async def test_a_sentence_that_may_not_leave_ends_the_stream_and_takes_the_rest_back(begin: Stage) -> None:
    text = "A fine word. See [this](https://evil.example/x) now. And more words that follow after it."
    told = await begin(one_node(asked), InTurn(text), ports=OPEN).streamed("Say it")
    assert told[0] == ("token", "A fine word. ")
    assert told[1][0] == "withdrawn"
    assert "evil" not in str(told)


class Heard:
    """What a stream sends."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.stream = AnswerStream()
        self.stream.emit = lambda event: self.events.append([event["event"], *event["data"].values()])

    def guarded(self) -> "Heard":
        self.stream.guard = lambda: OutputGuard(NO_LEAKS, "Say 1, 2 and 3.", [])
        return self


def test_without_a_guard_nothing_is_sent_but_the_answer() -> None:
    heard = Heard()
    heard.stream.begin()
    heard.stream.feed(AIMessageChunk(content="One. Two. "))
    heard.stream.end()
    assert heard.events == []
    heard.stream.finish("Three.")
    assert heard.events == [["token", "Three."]]


def test_an_answer_that_was_sent_is_not_sent_twice() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    heard.stream.feed(AIMessageChunk(content="One. Two."))
    heard.stream.end()
    heard.stream.finish("One. Two.\n")
    assert heard.events == [["token", "One. "], ["token", "Two."]]
    assert heard.stream.refusal is None


def test_another_answer_takes_the_place_of_what_was_sent() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    heard.stream.feed(AIMessageChunk(content="One. Two."))
    heard.stream.finish("Three.", "ungrounded")
    assert heard.events == [["token", "One. "], ["withdrawn", "ungrounded"], ["token", "Three."]]


def test_after_a_tool_call_the_rest_of_the_call_is_not_heard() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    chunk = tool_call_chunk(name="find", args="{}", id="1", index=0)
    heard.stream.feed(AIMessageChunk(content="One. ", tool_call_chunks=[chunk]))
    heard.stream.feed(AIMessageChunk(content="Two. "))
    heard.stream.end()
    assert heard.events == []


def test_a_refusal_is_of_the_newest_call() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    heard.stream.feed(AIMessageChunk(content="It costs 99. "))
    assert heard.stream.refusal == "ungrounded"
    heard.stream.begin()
    assert heard.stream.refusal is None


def test_what_turns_out_to_be_thought_is_taken_back() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    for piece in ("Is it 1? ", "Or 2", "</think>", "It is 3. "):
        heard.stream.feed(AIMessageChunk(content=piece))
    heard.stream.end()
    assert heard.events == [["token", "Is it 1? "], ["withdrawn", "revised"], ["token", "It is 3. "]]


def test_of_a_cut_answer_the_whole_sentences_are_sent() -> None:
    heard = Heard().guarded()
    heard.stream.begin()
    heard.stream.feed(AIMessageChunk(content="It is 1. It is 2."))
    heard.stream.feed(AIMessageChunk(content=" Or", response_metadata={"cut": True}))
    heard.stream.end()
    assert heard.events == [["token", "It is 1. "], ["token", "It is 2. "]]
