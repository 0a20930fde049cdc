"""The Model Context Protocol, request by request as it is on the wire."""

from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from tests.support.peers.mcp_caller import LEGACY, MODERN, call

from .base import Answer
from .base import Client as Base


class Client(Base):
    """The tool `ask`; by `stream` as of 2025-11-25."""

    name = "mcp"
    has_idempotency_key = True

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """In the protocol of 2026-07-28."""
        return await self._call(MODERN, message, thread_id, key)

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """In that of 2025-11-25."""
        return await self._call(LEGACY, message, thread_id, key)

    async def _call(self, version: str, message: str, thread_id: str | None, key: str | None) -> Answer:
        arguments = {"message": message} | ({"thread_id": thread_id} if thread_id else {})
        async with self.http() as client:
            return self.of_result(await call(client, version, "ask", arguments, key))

    @classmethod
    def of_result(cls, answer: httpx2.Response) -> Answer:
        """What a call of a tool said."""
        raw = f"{answer.headers}\n{answer.text}"
        events = [it.removeprefix("data: ") for it in answer.text.splitlines() if it.startswith("data: {")]
        told = orjson.loads(events[-1] if events else answer.text)
        if error := told.get("error"):
            status = None if answer.is_success else answer.status_code
            return cls._refused(error["message"], error["data"], status, raw)
        result = told["result"]
        text = result["content"][0]["text"]
        if result.get("isError"):
            return cls._refused(text, result["_meta"], None, raw)
        return cls.of_reply(result["structuredContent"] | {"answer": text}, raw)

    @staticmethod
    def _refused(text: str, data: Mapping[str, Any], status: int | None, raw: str) -> Answer:
        after = data.get("harness/retry_after_seconds")
        return Answer(text, data["harness/problem"], status, retry_after=after, raw=raw)
