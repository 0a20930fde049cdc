"""The official client of AG-UI, `@ag-ui/client` of npm, over a real socket.

The project has no packages of npm, so this runs where it is told a folder that has them:
`npm install --prefix FOLDER @ag-ui/client`, then `AGUI_CLIENT=FOLDER` and `-m slow`.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.application import Application
from harness.http.run_stream import RunStream
from harness.runtime.replies import Event
from harness.service import Service
from tests.support.approving import AGENTS, CANCEL, WAITS, cancelled
from tests.support.callers import ANA, Guarded
from tests.support.listening import listening

SCRIPT = Path(__file__).parents[2] / "support/endpoints/agui_client.cjs"
STREAM = Service.stream
HEARTBEAT_SECONDS = 0.05


async def _stream(service: Service, message: str, *parts: Any, **more: Any) -> AsyncGenerator[Event]:
    """The service's own, except for two messages."""
    if "please" not in message:
        async for event in STREAM(service, message, *parts, **more):
            yield event
        return
    yield Event(event="started", data={})
    yield Event(event="agent_started", data={"agent": "moons", "question": "?"})
    yield Event(event="token", data={"text": "Half an"})
    if "break" in message:
        raise RuntimeError("planted secret")
    await asyncio.sleep(4 * HEARTBEAT_SECONDS)
    yield Event(event="withdrawn", data={"because": "ungrounded"})
    yield Event(event="token", data={"text": "Whole."})
    yield Event(
        event="final", data={"answer": "Whole.", "approvals": [], "usage": {"input_tokens": 0, "output_tokens": 0}}
    )


@pytest.mark.slow
@pytest.mark.usefixtures("no_order_has_run")
async def test_the_official_client_is_served_over_the_whole_way(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, node = os.environ.get("AGUI_CLIENT"), shutil.which("node")
    if not folder or not node:
        pytest.skip("set AGUI_CLIENT to a folder with @ag-ui/client, and install node")
    monkeypatch.setattr(Service, "stream", _stream)
    monkeypatch.setattr(RunStream, "HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    async with listening(Application(AGENTS).create_app(guarded.settings)) as url:
        process = await asyncio.create_subprocess_exec(
            *(node, str(SCRIPT), f"{url}/v1/agui", ANA.text),
            env={**os.environ, "NODE_PATH": str(Path(folder) / "node_modules")},
            stdout=asyncio.subprocess.PIPE,
        )
        written, _ = await process.communicate()
    two, waits, resumed, withdrawn, broken, refused = orjson.loads(written)
    assert [it for it in two["types"] if it.startswith("SUBAGENT")] == ["SUBAGENT_STARTED"] * 2 + [
        "SUBAGENT_FINISHED"
    ] * 2
    assert two["messages"][-1] == ["assistant", "mars has 2 moons.\n\neverest is 8849 m high."]
    assert waits["messages"][-2:] == [["user", CANCEL], ["assistant", WAITS]]
    (call,) = waits["outcome"]["interrupts"]
    assert call["metadata"] == {"agent": "orders", "tool": "cancel", "arguments": {"number": 7, "reason": "none"}}
    assert (resumed["outcome"], cancelled()) == ({"type": "success"}, [7])
    assert resumed["messages"][-1] == ["assistant", "Order 7 is cancelled."]
    assert withdrawn["messages"][-2:] == [["user", "withdraw, please"], ["assistant", "Whole."]]
    assert broken["error"]["code"] == "internal-server-error"
    assert "secret" not in str(broken)
    assert broken["messages"][-1][0] == "user"
    assert refused["thrown"]["status"] == 422
    assert "Half" not in str([it["messages"] for it in (withdrawn, broken, refused)])
