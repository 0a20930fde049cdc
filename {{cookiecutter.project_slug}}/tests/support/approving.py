"""A call that waits, and the decision about it, over HTTP."""

from typing import Any

import httpx2

from harness.runtime.agent import Agent
from tests.support.agents import TEST_AGENTS
from tests.support.writing_agent import OrdersAgent

AGENTS: list[type[Agent[Any]]] = [*TEST_AGENTS, OrdersAgent]
CANCEL = "Cancel order 7"
WAITS = 'This waits for approval; nothing has been done yet: orders.cancel(number=7, reason="none")'


async def ask(client: httpx2.AsyncClient, message: str = CANCEL) -> dict[str, Any]:
    answer = await client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def decide(
    client: httpx2.AsyncClient, approval: dict[str, Any] | str, decision: str = "approve", **more: Any
) -> httpx2.Response:
    approval_id = approval if isinstance(approval, str) else approval["id"]
    path = f"/v1/threads/{more.pop('thread', 't1')}/approvals/{approval_id}"
    return await client.post(path, json={"decision": decision}, **more)


async def waiting(client: httpx2.AsyncClient) -> list[str]:
    return [it["id"] for it in (await client.get("/v1/threads/t1")).json()["approvals"]]


def cancelled() -> list[int]:
    """The orders whose cancellation has begun."""
    return [number for number, _, _ in OrdersAgent.ran]
