"""Invocations, as AgentCore Runtime hands them on."""

from typing import Any
from uuid import uuid4

import httpx2

from . import v1
from .base import Answer
from .base import Client as Base

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


class Client(Base):
    """`POST /invocations`; a stream where the caller accepts one. The key is in the body."""

    name = "agentcore"
    routes = ("/invocations",)
    has_idempotency_key = True

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """As JSON."""
        return self.of_v1(await self._invoke("application/json", prompt=message, thread_id=thread_id, key=key))

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """As events."""
        return self.read(await self._invoke("text/event-stream", prompt=message, thread_id=thread_id, key=key))

    async def decide(self, approval_id: str, thread_id: str, decision: str = "approve") -> Answer:
        """By an invocation with a decision."""
        told = {"id": approval_id, "decision": decision}
        return self.read(await self._invoke("text/event-stream", decision=told, thread_id=thread_id))

    async def _invoke(self, accept: str, key: str | None = None, **parts: Any) -> httpx2.Response:
        headers = {"Accept": accept, SESSION_HEADER: f"session-{uuid4()}"}
        named = {"idempotency_key": key, **parts}
        async with self.http() as client:
            body = {name: it for name, it in named.items() if it is not None}
            return await client.post("/invocations", json=body, headers=headers)

    @classmethod
    def read(cls, answer: httpx2.Response) -> Answer:
        """What the events say, which are those of `/v1/chat/stream`."""
        return v1.Client.of_events(answer) if answer.is_success else cls.of_v1(answer)
