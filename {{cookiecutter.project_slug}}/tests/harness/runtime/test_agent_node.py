"""One agent on one task: its model's answer when it is grounded, its data's when not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.graph import START, StateGraph

from harness.run_context import RunContext
from harness.runtime.agent_node import AgentNode
from harness.runtime.state import State, Task
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from harness.storage.thread_ref import ThreadRef
from tests.harness.runtime.scripted import NO_LEAKS, Say, ScriptedFactory
from tests.support.agents import TEST_AGENTS


def calling(tool: str, **arguments: Any) -> AIMessage:
    call = {"name": tool, "args": arguments, "id": "1", "type": "tool_call"}
    return AIMessage("", tool_calls=[call])


async def worked(settings: Settings, say: Say | str, agent: str = "moons") -> State:
    connectors = SourceConnections(settings)
    agents = [a(connectors) for a in TEST_AGENTS]
    worker = AgentNode(settings, ScriptedFactory(settings, agent=say), agents, NO_LEAKS)
    graph = (
        StateGraph(State, context_schema=RunContext).add_node("work", worker.__call__).add_edge(START, "work").compile()
    )
    task = Task(agent=agent, question="How many moons has Mars?")
    state: Any = await graph.ainvoke({"task": task, "language": "en", "before": ""})
    return state  # type: ignore[no-any-return] # the graph's own type is wider


def after_tool(answer: str) -> Say:
    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            return AIMessage(answer)
        return calling("look_up", name="mars")

    return say


async def test_the_models_words_are_the_answer_when_its_tools_hold_the_figures(settings: Settings) -> None:
    state = await worked(settings, after_tool("Mars? It has 2 of them."))
    assert state["outcomes"][0]["text"] == "Mars? It has 2 of them."
    assert state["outcomes"][0]["facts"] == [{"name": "mars", "number": 2}]
    assert state["outcomes"][0]["sources"][0]["title"] == "Table of moons"
    assert state["degraded"] == []


@pytest.mark.parametrize(
    ("say", "reasons"),
    [
        (after_tool("Mars has 79 moons."), ["ungrounded"]),
        ("From memory: Mars has two moons.", ["ungrounded"]),
        (after_tool("  "), ["model_unavailable"]),
        (lambda messages, bound: calling("look_up", name="mars"), ["model_unavailable", "over_budget"]),
        (lambda messages, bound: 1 / 0, ["model_unavailable"]),
        (lambda messages, bound: calling("search") if len(messages) == 2 else AIMessage("Two."), ["model_unavailable"]),
    ],
    ids=["invented", "no tool called", "empty", "endless tool calls", "raises", "a tool that is none"],
)
async def test_what_a_model_gets_wrong_is_answered_from_the_data(
    settings: Settings, say: Say | str, reasons: list[str]
) -> None:
    state = await worked(settings, say)
    assert state["outcomes"][0]["text"] == "mars has 2 moons."
    assert state["outcomes"][0]["status"] == "answered"
    assert state["degraded"] == reasons


async def test_a_looping_model_is_stopped_at_its_limit(settings: Settings) -> None:
    calls = 0

    def loop(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        nonlocal calls
        calls += 1
        return calling("look_up", name="mars")

    await worked(settings.model_copy(update={"agent_max_model_calls": 3}), loop)
    assert calls == 3


async def test_tool_calls_beyond_the_limit_are_refused_to_the_model(settings: Settings) -> None:
    seen: list[str] = []

    def greedy(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        results = [str(m.content) for m in messages if isinstance(m, ToolMessage)]
        seen[:] = results
        if len(results) > 2:
            return AIMessage("Mars has 2.")
        call = {"name": "look_up", "args": {"name": "mars"}, "type": "tool_call"}
        return AIMessage("", tool_calls=[{**call, "id": str(at)} for at in range(2)])

    state = await worked(settings.model_copy(update={"agent_max_tool_calls": 3}), greedy)
    assert state["outcomes"][0]["text"] == "Mars has 2."
    assert sum("No more tool calls in this run" in text for text in seen) == 1
    assert state["degraded"] == ["over_budget"]


@pytest.mark.parametrize("agent", ["flaky"])
async def test_a_tool_that_fails_tells_the_model_nothing_but_the_source(settings: Settings, agent: str) -> None:
    seen: list[str] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            seen.append(str(messages[-1].content))
            return AIMessage("No idea.")
        return calling("look_up", name="vigo")

    state = await worked(settings, say, agent)
    assert seen == ["The source tides.example is unavailable."]
    assert state["outcomes"][0]["status"] == "missing"
    assert state["degraded"] == ["source_unavailable"]


async def test_a_tool_with_a_bug_shows_the_model_no_exception_text(settings: Settings) -> None:
    seen: list[str] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            seen.append(str(messages[-1].content))
            return AIMessage("No idea.")
        return calling("look_up", name="pluto")  # KeyError inside the tool

    await worked(settings, say)
    assert seen == ["The tool failed."]


@pytest.mark.parametrize("arguments", [{}, {"name": {"nested": 1}}, {"nom": "mars"}])
@pytest.mark.checklist("TEST-6")
async def test_arguments_that_break_the_tools_schema_never_reach_it(
    settings: Settings, arguments: dict[str, Any]
) -> None:
    seen: list[ToolMessage] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            seen.append(messages[-1])
            return AIMessage("No idea.")
        return calling("look_up", **arguments)

    state = await worked(settings, say)
    assert [message.status for message in seen] == ["error"]
    assert state["outcomes"][0]["text"] == "mars has 2 moons."
    assert state["degraded"] == ["ungrounded"]


MARS = "How many moons has Mars?"


class Conversation:
    """One worker whose model answers until a test takes it away; then an answer of before may stand in."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._say = say
        self.is_there = True
        self.agents = [a(SourceConnections(settings)) for a in TEST_AGENTS]
        self._node = AgentNode(settings, ScriptedFactory(settings, agent=self._speak), self.agents, NO_LEAKS)
        graph = StateGraph(State, context_schema=RunContext).add_node("work", self._node.__call__)
        self._graph = graph.add_edge(START, "work").compile()

    def _speak(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if not self.is_there:
            raise ConnectionError("gone")
        return self._say(messages, bound)

    async def ask(self, language: str = "en") -> State:
        task = Task(agent="moons", question=MARS)
        with RunContext.scope(thread=ThreadRef("t", "ana")):
            state: Any = await self._graph.ainvoke({"task": task, "language": language, "before": ""})
        return state  # type: ignore[no-any-return]


async def test_an_answer_of_before_stands_in_while_no_model_answers(settings: Settings) -> None:
    moons = Conversation(settings, after_tool("Mars? It has 2 of them."))
    await moons.ask()
    moons.is_there = False
    state = await moons.ask()
    assert state["outcomes"][0]["text"] == "Mars? It has 2 of them."
    assert state["degraded"] == ["model_unavailable", "kept_answer"]


async def test_a_kept_answer_does_not_cross_languages(settings: Settings) -> None:
    moons = Conversation(settings, after_tool("Mars? It has 2 of them."))
    await moons.ask()
    moons.is_there = False
    state = await moons.ask("es")
    assert "It has" not in state["outcomes"][0]["text"]
    assert state["degraded"] == ["model_unavailable"]


async def test_a_kept_answer_does_not_outlive_the_version_of_its_prompt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    moons = Conversation(settings, after_tool("Mars? It has 2 of them."))
    await moons.ask()
    moons.is_there = False
    agent = next(it for it in moons.agents if it.name == "moons")
    monkeypatch.setattr(type(agent), "prompt", replace(agent.prompt, version="8"))
    state = await moons.ask()
    assert state["outcomes"][0]["text"] == "mars has 2 moons."
    assert state["degraded"] == ["model_unavailable"]


def with_a_refused_call(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
    if isinstance(messages[-1], ToolMessage):
        return AIMessage("Mars? It has 2 of them.")
    calls = [{"name": name, "args": {"name": "mars"}, "id": name} for name in ("look_up", "no_such_tool")]
    return AIMessage("", tool_calls=calls)


def cut_short(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
    if isinstance(messages[-1], ToolMessage):
        return AIMessage("Mars? It has 2 of them. And", response_metadata={"finish_reason": "length"})
    return calling("look_up", name="mars")


@pytest.mark.parametrize(
    ("say", "reason"), [(with_a_refused_call, "source_unavailable"), (cut_short, "cut_answer")], ids=["refused", "cut"]
)
async def test_a_degraded_answer_is_never_kept(settings: Settings, say: Say, reason: str) -> None:
    moons = Conversation(settings, say)
    first = await moons.ask()
    assert first["outcomes"][0]["text"] == "Mars? It has 2 of them."
    assert first["degraded"] == [reason]
    moons.is_there = False
    state = await moons.ask()
    assert state["outcomes"][0]["text"] == "mars has 2 moons."
    assert state["degraded"] == ["model_unavailable"]
