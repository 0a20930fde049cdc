"""A client that no longer waits stops the agent's tool, in both eras and whichever process is told."""

import anyio
import pytest
from mcp import MCPError

from tests.support.callers import ANA, EVE
from tests.support.endpoints.mcp import LEGACY

from .conftest import Connect, Pair

pytestmark = [pytest.mark.checklist("INT-1"), pytest.mark.slow]

WAIT = {"message": "Wait for it"}


@pytest.mark.parametrize("way", ["times out", "is cancelled"])
async def test_a_call_that_ends_early_stops_its_tool(connect: Connect, pair: Pair, way: str) -> None:
    async with connect() as client:
        if way == "times out":
            with pytest.raises(MCPError):
                await client.call_tool("ask_waiting", WAIT, read_timeout_seconds=2)
        else:
            with anyio.move_on_after(2):
                await client.call_tool("ask_waiting", WAIT)
        pair.check_waits("begun", "stopped")
        # The connection goes on.
        assert not (await client.call_tool("ask_moons", {"message": "Moons of Mars"})).is_error


async def test_another_s_call_of_the_same_number_goes_on(connect: Connect, pair: Pair) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 0}}
    body["params"] = {"requestId": 2}
    async with connect(mode="legacy") as client, anyio.create_task_group() as tasks:
        await client.list_tools()
        tasks.start_soon(client.call_tool, "ask_waiting", WAIT)
        pair.check_waits("begun")
        for key, session in ((EVE, "s" * 32), (ANA, "s" * 32), (ANA, "")):
            for process in pair.processes:
                for number in range(9):
                    headers = {
                        "X-API-Key": key.text,
                        "Accept": "application/json, text/event-stream",
                        "MCP-Protocol-Version": LEGACY,
                        **({"Mcp-Session-Id": session} if session else {}),
                    }
                    body["params"] = {"requestId": number}
                    assert process.client.post("/mcp", json=body, headers=headers).status_code == 202
        await anyio.sleep(2.5)
        assert pair.waits() == ["begun"]
        tasks.cancel_scope.cancel()
    pair.check_waits("begun", "stopped")
