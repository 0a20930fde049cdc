"""What waits, as an answer says it and as a thread holds it."""

import json
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from harness.errors import ClarificationNeeded, ModelUnavailable, PolicyViolation, SourceUnavailable
from harness.guards.output import OutputPolicy
from harness.guards.personal_data import PiiRules
from harness.guards.tool_policy import PendingToolCall
from harness.models.factory import LLMFactory
from harness.prompts.messages import Messages
from harness.run_context import RunContext
from harness.runtime.approvals import Approvals, PendingApprovals
from harness.runtime.flows import Parallel
from harness.runtime.graph import GraphBuilder
from harness.runtime.guarded_tools import tools
from harness.runtime.proposals import Proposals
from harness.runtime.state import State, Task
from harness.service import Service
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.graphs import Stage
from tests.harness.runtime.scripted import NO_LEAKS
from tests.support.writing_agent import OrdersAgent

NO_MAIL = OutputPolicy(NO_LEAKS.leaks, PiiRules("email:refuse"))
T = ThreadRef("t", PUBLIC)
TASK = Task(agent="orders", question="Write to ana@shop.example")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"number": 7, "note": 'say "ñ"'}, 'orders.send(number=7, note="say \\"ñ\\"")'),
        ({"to": "ana@shop.example"}, 'orders.send(to="ana@shop.example")'),
        ({"to": "eve@evil.example"}, "orders.send"),
        ({}, "orders.send()"),
    ],
)
def test_a_call_is_said_with_its_arguments_unless_no_answer_may_hold_them(
    settings: Settings, arguments: dict[str, Any], shown: str
) -> None:
    call = PendingToolCall("orders", "send", arguments)
    outcome = PendingApprovals(settings, NO_MAIL).result(TASK, call, "en")
    assert outcome["status"] == "waiting"
    assert outcome["text"].endswith(f": {shown}")
    assert outcome["call"]["arguments"] == arguments
    json.dumps(outcome)  # as a checkpoint of today is read by the version of tomorrow


async def test_a_thread_holds_its_calls_until_the_next_message(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings, [OrdersAgent], store)

    async def pending() -> list[int]:
        checkpoint = await store.saver.aget_tuple({"configurable": {"thread_id": T.key}})
        calls = Approvals.pending(checkpoint)
        assert list(calls) == await Proposals(store).open(T, checkpoint)
        return [call["arguments"]["number"] for call in calls]

    assert await pending() == []
    await service.ask("Cancel orders 7, 8", T)
    assert await pending() == [7, 8]
    await service.ask("State of order 7", T)
    assert await pending() == []
    await service.aclose()


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
    with RunContext.scope(decision=decision):
        after = await graph.ainvoke(Command(resume=decision), THREAD, durability="exit")
    assert after["answer"] == before["answer"]
    assert after["history"] == before["history"]
    assert [it.value for it in after["__interrupt__"]] == [it.value for it in before["__interrupt__"]]
    assert OrdersAgent.ran == []


async def test_a_decision_ends_the_run_and_its_answer_stands_for_the_one_before(graph: Any) -> None:
    state = await graph.ainvoke(State(message="Cancel order 7"), THREAD, durability="exit")
    decision = {"id": state["__interrupt__"][0].value[0]["id"], "verdict": "approve"}
    with RunContext.scope(decision=decision):
        state = await graph.ainvoke(Command(resume=decision), THREAD, durability="exit")
    assert "__interrupt__" not in state
    assert [it["answer"] for it in state["history"]] == ["Order 7 is cancelled."]
    assert [number for number, _, _ in OrdersAgent.ran] == [7]
    assert (await graph.aget_state(THREAD)).next == ()


async def test_a_graph_that_is_resumed_past_the_service_runs_nothing(graph: Any) -> None:
    state = await graph.ainvoke(State(message="Cancel order 7"), THREAD, durability="exit")
    decision = {"id": state["__interrupt__"][0].value[0]["id"], "verdict": "approve"}
    with pytest.raises(PolicyViolation, match="only a decision that the store has claimed counts"):
        await graph.ainvoke(Command(resume=decision), THREAD, durability="exit")
    assert OrdersAgent.ran == []


FAILURES: list[tuple[Exception, str]] = [
    (SourceUnavailable("shop.example", "planted: 10.0.0.1"), "source_unavailable"),
    (TimeoutError(), "out_of_time"),
    (RuntimeError("planted, password=hunter2"), "agent_failed"),
]


@pytest.mark.parametrize(("failure", "reason"), FAILURES, ids=[it[1] for it in FAILURES])
async def test_an_approved_call_that_fails_may_be_done_and_the_answer_says_so(
    begin: Stage, monkeypatch: pytest.MonkeyPatch, failure: Exception, reason: str
) -> None:
    async def fail() -> None:
        raise failure

    monkeypatch.setattr(OrdersAgent, "ran", [])
    monkeypatch.setattr(OrdersAgent, "meanwhile", fail)
    talk = begin(Parallel(), agents=[OrdersAgent])
    await talk.say("Cancel order 7")
    reply = await talk.decide()
    assert [number for number, _, _ in OrdersAgent.ran] == [7]
    assert (reply.agents[0].status, reply.degraded_because) == ("missing", [reason])
    assert reply.answer == Messages.UNCONFIRMED.format("en", call='orders.cancel(number=7, reason="none")')
    assert "planted" not in reply.model_dump_json()


async def test_an_approved_call_that_asks_back_is_a_question(begin: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        raise ClarificationNeeded("By which carrier?")

    monkeypatch.setattr(OrdersAgent, "ran", [])
    monkeypatch.setattr(OrdersAgent, "meanwhile", ask)
    talk = begin(Parallel(), agents=[OrdersAgent])
    await talk.say("Cancel order 7")
    reply = await talk.decide()
    assert (reply.answer, reply.agents[0].status, reply.degraded_because) == ("By which carrier?", "asked", [])


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("has_begun", [True, False])
@pytest.mark.parametrize(
    ("failure", "reason"), [*FAILURES, (ModelUnavailable("agent", "planted"), "model_unavailable")]
)
async def test_a_graph_that_fails_around_a_decision_says_what_became_of_the_call(
    begin: Stage, failure: Exception, reason: str, has_begun: bool, verdict: str
) -> None:
    ran: list[int] = []
    is_resumed = False

    def cancel(number: int) -> str:
        """Cancel an order."""
        ran.append(number)
        return "cancelled"

    (guarded,) = tools(cancel, policy=Policy(requires_approval=frozenset({"cancel"})), agent="shop")

    async def node(state: MessagesState) -> Any:
        if is_resumed and not has_begun:
            raise failure
        await guarded.ainvoke({"number": 7})
        raise failure

    talk = begin(StateGraph(MessagesState).add_node("node", node).add_edge(START, "node").compile())
    await talk.say("Cancel order 7")
    is_resumed = True
    reply = await talk.decide(verdict)
    assert ran == ([7] if has_begun and verdict == "approve" else [])
    said = Messages.REJECTED
    if verdict == "approve":
        said = Messages.DONE if has_begun else Messages.NOT_DONE
    assert reply.answer == said.format("en", call="shop.cancel(number=7)")
    assert reply.degraded_because == [reason]
