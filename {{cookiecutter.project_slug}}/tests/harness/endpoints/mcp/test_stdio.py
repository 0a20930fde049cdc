"""The command `mcp`: the official client starts it, and talks to it over its pipes."""

import os
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.support.processes import PROJECT

from .conftest import ERAS, MODULE, Pair, inherited

pytestmark = [pytest.mark.checklist("INT-1"), pytest.mark.slow]


@pytest.fixture
def command(tmp_path: Path) -> StdioServerParameters:
    environment = {
        **inherited(),
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
        "DATABASE_URL": f"sqlite:///{tmp_path}/threads.sqlite",
        "LANGUAGE": "en",
    }
    return StdioServerParameters(command=sys.executable, args=["-m", MODULE, "mcp"], cwd=tmp_path, env=environment)


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
        await Pair([], tmp_path).check_waits("begun", "stopped")
    assert steps == ["plan", "agent started moons", "agent finished moons answered"]
