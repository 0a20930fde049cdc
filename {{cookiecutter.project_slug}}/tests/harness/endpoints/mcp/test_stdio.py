"""The command `mcp`: the official client starts it, and talks to it over its pipes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.memory import create_client_server_memory_streams

from harness.application import Application
from harness.endpoints.mcp import stdio
from tests.support.agents import TEST_AGENTS
from tests.support.processes import PROJECT

from .conftest import ERAS, MODULE, Site, inherited

pytestmark = pytest.mark.checklist("INT-1")


@pytest.fixture
def command(tmp_path: Path) -> StdioServerParameters:
    environment = {
        **inherited(),
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
        "DATABASE_URL": f"sqlite:///{tmp_path}/threads.sqlite",
        "LANGUAGE": "en",
    }
    return StdioServerParameters(command=sys.executable, args=["-m", MODULE, "mcp"], cwd=tmp_path, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ERAS.values(), ids=ERAS)
async def test_a_client_that_starts_it_has_all_tools(command: StdioServerParameters, tmp_path: Path, mode: str) -> None:
    steps: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert (progress, total) == (len(steps) + 1, None)
        steps.append(message)

    async with Client(command, mode=mode) as client:
        assert {"ask", "ask_moons"} <= {it.name for it in (await client.list_tools()).tools}
        first = await client.call_tool("ask", {"message": "How many moons has Mars?"}, progress_callback=note)
        assert first.structured_content["answer"] == "mars has 2 moons."
        again = {"message": "And Saturn?", "thread_id": first.structured_content["thread_id"]}
        assert (await client.call_tool("ask_moons", again)).structured_content["answer"] == "saturn has 146 moons."
        refused = await client.call_tool("ask", {"message": " "})
        assert (refused.meta or {})["harness/problem"] == "input-refused"
        waits = await client.call_tool("ask_orders", {"message": "Cancel order 7"})
        assert len(waits.structured_content["approvals"]) == 1
        with anyio.move_on_after(2):
            await client.call_tool("ask_waiting", {"message": "Wait for it"})
        await Site(tmp_path).check_waits("begun", "stopped")
    assert steps == ["plan", "agent started moons", "agent finished moons answered"]


async def test_it_ends_when_the_client_closes_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))
    async with create_client_server_memory_streams() as (ours, theirs):

        @asynccontextmanager
        async def pipe(end: Any) -> AsyncIterator[Any]:
            yield end

        monkeypatch.setattr(stdio, "stdio_server", lambda: pipe(theirs))
        serving = asyncio.create_task(stdio.ServeStdio()._serve())  # `run` begins a loop of its own
        async with Client(pipe(ours)) as client:
            result = await client.call_tool("ask", {"message": "How many moons has Mars?"})
        assert result.structured_content["answer"] == "mars has 2 moons."
        for stream in ours:
            await stream.aclose()
        await asyncio.wait_for(serving, 10)
