"""Tools of an MCP server, from the front door: what a caller is told, asked and counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness import Agent, Language, MCPServer, Policy, ToolCall, Words
from harness.settings import Settings
from harness.sources.mcp.pins import Pins
from tests.conftest import Door
from tests.support.approving import ask, decide
from tests.support.peers.mcp_server import ToolServer

pytestmark = pytest.mark.checklist("INT-1")

POLICY = Policy(tools={"find_order", "list_shops"}, requires_approval={"cancel_order"}, hosts={"127.0.0.1"})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolServer]:
    """Its list has been reviewed."""
    monkeypatch.setattr(Pins, "FOLDER", tmp_path)
    with ToolServer() as server:
        server.pin()
        yield server


@pytest.fixture
async def client(server: ToolServer, door: Door) -> httpx2.AsyncClient:
    """Of a service whose one agent has the server's tools."""

    class Desk(Agent):
        name = "desk"
        description = "Orders and shops."
        prompt = "Look it up."
        policy = POLICY
        tools = (MCPServer("shop", url=server.url),)

        def plan_without_model(self, question: str, language: Language) -> list[ToolCall]:
            words = Words.tokenize(question)
            calls = {"cancel": ToolCall("cancel_order", {"number": 7}), "state": ToolCall("find_order", {"number": 7})}
            return [it for word, it in calls.items() if word in words] or [ToolCall("list_shops")]

    settings: dict[str, Any] = {"use_fake_data": False, "data_private_hosts": "127.0.0.1", "data_timeout_seconds": 2}
    return await door.open(Settings(database_url="memory://", **settings), [Desk])


async def test_an_answer_names_the_server_as_its_source(client: httpx2.AsyncClient, server: ToolServer) -> None:
    reply = await ask(client, "Which shops are there?")
    assert "Lisbon" in reply["answer"]
    assert reply["sources"] == [{"title": "shop", "url": server.url}]
    assert not reply["degraded"]


async def test_a_call_that_writes_is_decided_as_any_other(client: httpx2.AsyncClient, server: ToolServer) -> None:
    (approval,) = (await ask(client, "Cancel order 7"))["approvals"]
    assert (approval["agent"], approval["tool"], approval["arguments"]) == ("desk", "cancel_order", {"number": 7})
    assert server.called == []
    reply = (await decide(client, approval)).json()
    assert "cancelled" in reply["answer"]
    assert server.called == [("cancel_order", {"number": 7})]
    await decide(client, approval)
    assert len(server.called) == 1


async def test_a_call_that_fails_at_the_server_is_never_told_as_done(
    client: httpx2.AsyncClient, server: ToolServer
) -> None:
    (approval,) = (await ask(client, "Cancel order 7"))["approvals"]
    server.give("cancel_order", None, "cancelled? no, it has left already", is_error=True)
    reply = (await decide(client, approval)).json()
    assert reply["degraded"]
    assert "left already" not in reply["answer"]
    assert "cancelled" not in reply["answer"]


async def test_a_changed_tool_is_counted_and_the_caller_told_that_something_is_missing(
    client: httpx2.AsyncClient, server: ToolServer
) -> None:
    assert not (await ask(client, "State of order 7"))["degraded"]
    server.describe("find_order", "Find all orders.")
    reply = await ask(client, "State of order 7")
    assert reply["degraded_because"] == ["source_unavailable"]
    metrics = (await client.get("/metrics")).text
    assert 'access_refused_total{agent="desk",kind="definition",tool="find_order"}' in metrics
    assert "Lisbon" in (await ask(client, "Which shops are there?"))["answer"]


async def test_a_server_that_hangs_costs_its_part_of_the_answer_in_time(
    client: httpx2.AsyncClient, server: ToolServer
) -> None:
    server.hang("find_order")
    reply = await ask(client, "State of order 7")
    assert reply["degraded_because"] == ["source_unavailable"]
