"""A client that no longer waits stops the agent's tool, in both eras and whichever process is told."""

import signal
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError

from tests.support.callers import ANA, EVE
from tests.support.peers.mcp_caller import LEGACY
from tests.support.processes import Process

from .conftest import ERAS, MODULE, Site

pytestmark = pytest.mark.checklist("INT-1")

WAIT = {"message": "Wait for it"}


@pytest.mark.parametrize("way", ["times out", "is cancelled"])
async def test_a_call_that_ends_early_stops_its_tool(site: Site, era: str, way: str) -> None:
    if era == "auto" and not site.is_on_a_socket:
        pytest.skip("such a client closes its connection, and here is none")
    async with site.connect(mode=era) as client:
        if way == "times out":
            with pytest.raises(MCPError):
                await client.call_tool("ask_waiting", WAIT, read_timeout_seconds=2)
        else:
            with anyio.move_on_after(2):
                await client.call_tool("ask_waiting", WAIT)
        await site.check_waits("begun", "stopped")
        # The connection goes on.
        assert not (await client.call_tool("ask_moons", {"message": "Moons of Mars"})).is_error


@pytest.mark.exhaustive
async def test_fifty_calls_in_a_row_that_are_cancelled_stop_their_tools(site: Site, era: str) -> None:
    """The cancellation of 2025-11-25 comes to the other process."""
    if not site.is_on_a_socket:
        pytest.skip("shown over two processes")
    async with site.connect(mode=era) as client:
        for times in range(50):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "ask_waiting", WAIT)
                await site.check_waits(*["begun", "stopped"] * times, "begun")
                tasks.cancel_scope.cancel()
            await site.check_waits(*["begun", "stopped"] * (times + 1))


async def test_another_s_call_of_the_same_number_goes_on(site: Site) -> None:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    async with site.connect(mode="legacy") as client, anyio.create_task_group() as tasks:
        await client.list_tools()
        tasks.start_soon(client.call_tool, "ask_waiting", WAIT)
        await site.check_waits("begun")
        for key, session in ((EVE, "s" * 32), (ANA, "s" * 32), (ANA, "")):
            headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": LEGACY}
            headers |= {"Mcp-Session-Id": session} if session else {}
            async with site.http(key) as http:
                for number in range(9):
                    body["params"] = {"requestId": number}
                    assert (await http.post("/mcp", json=body, headers=headers)).status_code == 202
        await anyio.sleep(2.5)
        assert site.waits() == ["begun"]
        tasks.cancel_scope.cancel()
    await site.check_waits("begun", "stopped")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ERAS.values(), ids=ERAS)
async def test_the_end_of_the_process_ends_open_calls(tmp_path: Path, mode: str) -> None:
    settings = {"SHUTDOWN_GRACE_SECONDS": "1", "DATABASE_URL": f"sqlite:///{tmp_path}/threads.sqlite"}
    process = Process(settings, tmp_path, module=(MODULE, "serve"))
    site = Site(tmp_path)
    results = []
    try:
        await anyio.to_thread.run_sync(process.wait_until_ready)
        async with Client(f"{process.address}/mcp", mode=mode) as client, anyio.create_task_group() as tasks:

            async def wait() -> None:
                results.append(await client.call_tool("ask_waiting", WAIT))

            tasks.start_soon(wait)
            await site.check_waits("begun")
            process.process.send_signal(signal.SIGTERM)
        await site.check_waits("begun", "stopped")
        assert [(it.meta or {})["harness/problem"] for it in results] == ["shutting-down"]
    finally:
        process.close()
