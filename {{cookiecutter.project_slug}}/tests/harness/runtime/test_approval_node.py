"""The graph stops before what writes, and goes on with the decision that LangGraph resumes it with."""

from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from harness.models.factory import LLMFactory
from harness.runtime.graph import GraphBuilder
from harness.runtime.state import State
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.support.writing_agent import OrdersAgent

THREAD = RunnableConfig(configurable={"thread_id": "t1"})


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")  # "Cancel order 7" tells none


@pytest.fixture
def graph(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The graph as any checkpointer may hold it."""
    monkeypatch.setattr(OrdersAgent, "ran", [])
    agents = [OrdersAgent(SourceConnections(settings))]
    return GraphBuilder(settings, LLMFactory(settings), agents).compile(InMemorySaver())


async def test_the_run_is_interrupted_with_the_calls_that_wait(graph: Any) -> None:
    state = await graph.ainvoke(State(message="Cancel orders 7, 8"), THREAD, durability="exit")
    (interrupt,) = state["__interrupt__"]
    assert [call["arguments"]["number"] for call in interrupt.value] == [7, 8]
    assert OrdersAgent.ran == []
    assert (await graph.aget_state(THREAD)).next == ("approve",)


async def test_a_decision_about_another_call_changes_nothing(graph: Any) -> None:
    before = await graph.ainvoke(State(message="Cancel order 7"), THREAD, durability="exit")
    decision = {"id": "another", "verdict": "approve"}
    after = await graph.ainvoke(Command(resume=decision), THREAD, durability="exit")
    assert after["answer"] == before["answer"]
    assert after["history"] == before["history"]
    assert [it.value for it in after["__interrupt__"]] == [
        it.value for it in before["__interrupt__"]
    ]
    assert OrdersAgent.ran == []


async def test_a_decision_ends_the_run_and_its_answer_stands_for_the_one_before(
    graph: Any,
) -> None:
    state = await graph.ainvoke(State(message="Cancel order 7"), THREAD, durability="exit")
    decision = {"id": state["__interrupt__"][0].value[0]["id"], "verdict": "approve"}
    state = await graph.ainvoke(Command(resume=decision), THREAD, durability="exit")
    assert "__interrupt__" not in state
    assert [it["answer"] for it in state["history"]] == ["Order 7 is cancelled."]
    assert [number for number, _, _ in OrdersAgent.ran] == [7]
    assert (await graph.aget_state(THREAD)).next == ()
