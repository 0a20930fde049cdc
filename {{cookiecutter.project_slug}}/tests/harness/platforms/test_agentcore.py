"""The same answers on FastAPI, on AWS's AgentCore Runtime by its contract, and on a LangGraph server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.auth.api_key import NewKey
from harness.endpoints.agentcore.endpoint import SESSION_HEADER
from tests.harness.platforms.hosts import HOSTS, FastAPIHost, Host, LangGraphHost, new_thread
from tests.harness.platforms.parity import SET, answer_alike
from tests.support.callers import by

FIRST, NEXT = SET["questions"][SET["after"]], SET["follow_up"]


class AgentCoreHost(FastAPIHost):
    """The service as AgentCore Runtime asks it."""

    name = "AgentCore"

    async def _invoke(self, body: Mapping[str, Any], thread_id: str, key: NewKey | None) -> dict[str, Any]:
        headers = {SESSION_HEADER: f"session-of-{thread_id}-of-a-caller", **(by(key) if key else {})}
        async with httpx2.AsyncClient(base_url=self.address, timeout=60, headers=headers) as client:
            answer = await client.post("/invocations", json=body)
            return dict(answer.raise_for_status().json())

    async def ask(self, message: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply of an invocation, whose session names the thread."""
        return await self._invoke({"prompt": message}, thread_id, key)

    async def decide(self, call_id: str, verdict: str, thread_id: str, key: NewKey | None = None) -> dict[str, Any]:
        """The reply to a decision in the same session."""
        return await self._invoke({"decision": {"id": call_id, "decision": verdict}}, thread_id, key)


async def test_a_conversation_of_a_session_goes_on_at_the_langgraph_server(tmp_path: Path) -> None:
    where = {"DATABASE_URL": f"sqlite:///{tmp_path}/threads.sqlite"}
    with AgentCoreHost.started(where, tmp_path / "before") as host:
        await host.ask(FIRST, alone := new_thread())
        expected = await host.ask(NEXT, alone)
        thread = (await host.ask(FIRST, new_thread()))["thread_id"]
    with LangGraphHost.started(where, tmp_path / "there") as host:
        moved = await host.ask(NEXT, thread)
    assert Host.comparable(moved) == Host.comparable(expected)
    assert moved["thread_id"] == thread


@pytest.mark.checklist("PLAT-3")
async def test_one_graph_answers_alike_on_every_platform(tmp_path: Path) -> None:
    await answer_alike((*HOSTS, AgentCoreHost), tmp_path)
