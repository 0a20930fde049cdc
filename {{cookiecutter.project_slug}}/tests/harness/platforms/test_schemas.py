"""P4: what the server tells of the graph, and how a stream ends."""

from typing import Any

import pytest

from tests.harness.platforms.hosts import LangGraphHost, new_thread
from tests.support.callers import ANA


async def test_the_input_is_a_message(server: LangGraphHost) -> None:
    async with server.client(ANA) as client:
        (assistant,) = await client.assistants.search()
        schemas: Any = await client.assistants.get_schemas(assistant["assistant_id"])
        drawn: Any = await client.assistants.get_graph(assistant["assistant_id"], xray=True)
    assert set(schemas["input_schema"]["properties"]) == {"message", "messages"}
    assert schemas["input_schema"]["properties"]["message"]["type"] == "string"
    assert {"plan", "work", "write", "audit", "approve"} <= {it["id"] for it in drawn["nodes"]}


@pytest.mark.parametrize("subgraphs", [True, False])
async def test_a_custom_stream_ends_with_the_whole_reply(server: LangGraphHost, subgraphs: bool) -> None:
    async with server.client(ANA) as client:
        thread = await client.threads.create(thread_id=new_thread())
        given: Any = {"input": {"message": "State of order 1"}, "stream_mode": "custom", "stream_subgraphs": subgraphs}
        parts = [(it.event, it.data) async for it in client.runs.stream(thread["thread_id"], "agent", **given)]
        state: Any = await client.threads.get_state(thread["thread_id"])
        history: Any = await client.threads.get_history(thread["thread_id"])
    names = [data["event"] for event, data in parts if event == "custom"]
    assert names[0] == "started"
    assert names[-1] == "final"
    assert {"plan", "agent_started", "agent_finished", "token"} <= set(names)
    reply = parts[-1][1]["data"]
    assert reply["answer"] == "Order 1 is open."
    assert reply["thread_id"] == thread["thread_id"].replace("-", "")
    said = [("human", "State of order 1"), ("ai", "Order 1 is open.")]
    assert [(it["type"], it["content"]) for it in state["values"]["messages"]] == said
    assert [it["values"] for it in history] == [state["values"]]


async def test_a_call_that_waits_interrupts_the_thread(server: LangGraphHost) -> None:
    reply = await server.ask("Cancel order 51", thread := new_thread(), ANA)
    async with server.client(ANA) as client:
        kept: Any = await client.threads.get(thread)
        assert kept["status"] == "interrupted"
        assert [it[0]["value"] for it in kept["interrupts"].values()] == [reply["approvals"]]
        await server.decide(reply["approvals"][0]["id"], "reject", thread, ANA)
        assert (await client.threads.get(thread))["status"] == "idle"
