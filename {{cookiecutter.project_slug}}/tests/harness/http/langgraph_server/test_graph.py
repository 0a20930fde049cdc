"""A run that the server makes is one of the service's, whatever its caller tells the server about a state."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest
from langchain.agents import create_agent
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.types import Command

import harness
from harness import Application, Handoffs, OwnGraph, Parallel, Supervisor
from harness.auth.principal import Principal, Scope
from harness.errors import InputRefused, ScopeMissing, ThreadUnknown
from harness.http.langgraph_server.graph import RunRefused, ServedGraph
from harness.http.langgraph_server.inputs import MASKED
from harness.runtime.flows import Flow
from tests.conftest import Lines
from tests.harness.http.langgraph_server.conftest import ANA, EVE, Starts
from tests.support.approving import AGENTS, CANCEL, cancelled

TALKER = Principal.from_key("talker", [Scope.CHAT])
STATE = "State of order 7"
OPEN = "Order 7 is open."


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    AGENTS[-1].ran.clear()  # type: ignore[attr-defined]  # the orders' agent


async def test_a_run_shows_the_services_events_and_leaves_the_reply(starts: Starts, thread: str) -> None:
    server = await starts()
    parts = await server.parts({"message": STATE}, thread)
    events = [it["event"] for mode, it in parts if mode == "custom"]
    assert (events[0], events[-1]) == ("started", "final")
    ((_, values),) = [it for it in parts if it[0] == "values"]
    said = [(it["type"], it["content"]) for it in values["messages"]]
    assert said == [("human", STATE), ("ai", OPEN)]
    assert values["reply"]["answer"] == OPEN
    assert values["reply"]["thread_id"] == UUID(thread).hex
    ((_, record),) = [it for it in parts if it[0] == "debug"]
    assert (record["type"], record["payload"]["values"], record["payload"]["next"]) == ("checkpoint", values, [])


@pytest.mark.parametrize("mode", ["updates", "messages", "tasks", "checkpoints"])
async def test_other_modes_are_empty(starts: Starts, thread: str, mode: str) -> None:
    server = await starts()
    assert await server.parts({"message": STATE}, thread, [mode]) == []


async def test_events_are_the_same_steps_in_another_form(starts: Starts, thread: str) -> None:
    server = await starts()
    graph, config = server.graph(), server.config(thread)
    stream = graph.astream_events({"message": STATE}, config, version="v2", stream_mode=["values"])
    (event,) = [it async for it in stream]
    assert (event["event"], event["run_id"]) == ("on_chain_stream", "r1")
    assert event["data"]["chunk"][1]["reply"]["answer"] == OPEN


async def test_with_subgraphs_each_part_says_that_it_is_of_none(starts: Starts, thread: str) -> None:
    server = await starts()
    parts: list[Any] = await server.parts({"message": STATE}, thread, ["values"], subgraphs=True)
    assert [it[:2] for it in parts] == [((), "values")]


async def test_a_decision_carries_out_what_was_shown_once(starts: Starts, thread: str) -> None:
    server = await starts()
    waiting = await server.values(CANCEL, thread)
    (call,) = waiting["reply"]["approvals"]
    assert [it.value for it in waiting["__interrupt__"]] == [[call]]
    state = await server.graph().aget_state(server.config(thread))
    assert (state.next, [it.value for it in state.interrupts]) == (("approve",), [[call]])
    resume: Command[Any] = Command(resume={"id": call["id"], "verdict": "approve"})
    first = await server.parts(resume, thread, ["values"], configurable={"checkpoint_id": "1"})
    assert first == await server.parts(resume, thread, ["values"])
    assert cancelled() == [7]
    assert (await server.graph().aget_state(server.config(thread))).next == ()


async def test_a_decision_is_carried_out_when_its_caller_leaves(starts: Starts, thread: str) -> None:
    server = await starts()
    (call,) = (await server.values(CANCEL, thread))["reply"]["approvals"]
    resume: Command[Any] = Command(resume={"id": call["id"], "verdict": "approve"})
    left = asyncio.ensure_future(server.parts(resume, thread))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    again = await server.parts(resume, thread, ["values"])
    assert "cancelled" in again[0][1]["reply"]["answer"]
    assert cancelled() == [7]


@pytest.mark.parametrize(
    "given",
    [
        Command(update={"outcomes": []}, goto="approve"),
        Command(goto="approve"),
        Command(update={"history": []}),
        Command(resume={"id": "f" * 32, "verdict": "approve"}),
        Command(resume="yes"),
        Command(),
        {"message": STATE, "history": [{"question": "q", "answer": "a"}]},
        {"message": " "},
        None,
    ],
)
async def test_nothing_else_is_run_and_the_refusal_says_why(starts: Starts, thread: str, given: Any) -> None:
    server = await starts()
    await server.values(CANCEL, thread)
    with pytest.raises(RunRefused, match=r"\w \w+ \w") as refusal:
        await server.parts(given, thread)
    assert refusal.value.__cause__ is None
    assert cancelled() == []


async def test_a_failure_of_ours_shows_nothing_of_itself(
    starts: Starts, thread: str, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await starts()
    monkeypatch.setattr("harness.runtime.graph.InputGuardNode._message", lambda _: 1 / 0)
    with pytest.raises(RunRefused, match=r"^Something failed on our side. Quote this id to support: r1$"):
        await server.parts({"message": STATE}, thread)
    assert lines.named("request_failed")


async def test_no_state_is_written(starts: Starts, thread: str) -> None:
    graph = (await starts()).graph()
    with pytest.raises(InputRefused, match="no caller writes one"):
        await graph.aupdate_state({}, {"history": []}, as_node="audit")
    with pytest.raises(InputRefused, match="no caller writes one"):
        await graph.abulk_update_state({}, [])


async def test_a_thread_is_its_callers_alone(starts: Starts, thread: str) -> None:
    server = await starts()
    (call,) = (await server.values(CANCEL, thread))["reply"]["approvals"]
    assert (await server.graph(EVE).aget_state(server.config(thread))).values == {"messages": []}
    with pytest.raises(RunRefused):
        await server.parts(Command(resume={"id": call["id"], "verdict": "approve"}), thread, caller=EVE)
    with pytest.raises(RunRefused, match="scope approve"):
        await server.parts(Command(resume={"id": call["id"], "verdict": "approve"}), thread, caller=TALKER)
    assert cancelled() == []


async def test_who_may_not_read_a_conversation_gets_the_answer_alone(starts: Starts, thread: str) -> None:
    server = await starts()
    values = await server.values(STATE, thread, caller=TALKER)
    assert [it["content"] for it in values["messages"]] == [OPEN]
    with pytest.raises(ScopeMissing):
        await server.graph(TALKER).aget_state(server.config(thread))


async def test_a_thread_is_remembered_and_its_history_is_what_it_is(starts: Starts, thread: str) -> None:
    server = await starts()
    first = await server.values(STATE, thread)
    second = await server.values(STATE, thread)
    assert second["messages"][:2] == first["messages"]
    assert len({it["id"] for it in second["messages"]}) == 4
    (state,) = [it async for it in server.graph().aget_state_history(server.config(thread), limit=5)]
    assert state.values == {"messages": second["messages"]}
    assert list(server.saver.storage) == []


async def test_a_run_without_a_thread_leaves_none(starts: Starts, thread: str) -> None:
    server = await starts()
    assert (await server.values(STATE, thread, is_stateless=True))["reply"]["answer"] == OPEN
    with pytest.raises(ThreadUnknown):
        await server.door.running.threads.read(ANA.conversation(UUID(thread).hex))


async def test_the_servers_own_context_does_not_reach_the_run(starts: Starts, thread: str) -> None:
    """The server leaves a configuration in its context, with its saver and its callbacks."""
    server = await starts()
    var_child_runnable_config.set({"configurable": {"thread_id": "other", "__pregel_checkpointer": server.saver}})
    assert (await server.values(STATE, thread))["reply"]["answer"] == OPEN
    assert list(server.saver.storage) == []


async def test_a_run_that_its_reader_leaves_is_over(starts: Starts, thread: str) -> None:
    server = await starts()
    async with aclosing(server.graph().astream({"message": STATE}, server.config(thread), stream_mode="custom")) as run:
        assert (await anext(run))[1]["event"] == "started"
    assert (await server.values(STATE, thread))["reply"]["answer"] == OPEN


async def test_the_reply_says_what_was_masked_before_the_server_kept_the_message(starts: Starts, thread: str) -> None:
    server = await starts()
    values = await server.values("State of order 7 [card]", thread, configurable={MASKED: ["card"]})
    assert "card" in values["reply"]["notices"][-1]


def own_graph() -> Flow:
    """Any compiled graph of an owner's."""
    return OwnGraph(create_agent(harness.model("agent"), []), grounding="open")


@pytest.mark.parametrize("flow", [Parallel(), Supervisor(), Handoffs(), own_graph()], ids=lambda it: type(it).__name__)
async def test_every_flow_is_served_with_the_same_form(starts: Starts, thread: str, flow: Flow) -> None:
    server = await starts(Application(AGENTS, flow=flow))
    graph = server.graph()
    assert set(graph.get_input_jsonschema()["properties"]) == {"message", "messages"}
    assert {"plan", "work", "write", "audit", "approve"} <= set(graph.get_graph().nodes)
    assert isinstance(graph.copy({"name": "agent"}), ServedGraph)
    assert (await server.values(STATE, thread))["reply"]["language"] == "en"
