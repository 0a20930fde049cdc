"""The service's own protocol."""

from typing import Any

import httpx2
import orjson

from .base import Answer
from .base import Client as Base


class Client(Base):
    """`/v1/chat` and `/v1/chat/stream`."""

    name = "v1"
    routes = ("/v1/chat", "/v1/chat/stream")
    has_idempotency_key = True

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """By `/v1/chat`."""
        async with self.http() as client:
            return self.of_v1(await client.post("/v1/chat", **self._parts(message, thread_id, key)))

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """By `/v1/chat/stream`."""
        async with self.http() as client:
            answer = await client.post("/v1/chat/stream", **self._parts(message, thread_id, key))
        return self.of_events(answer) if answer.is_success else self.of_v1(answer)

    @classmethod
    def of_events(cls, answer: httpx2.Response) -> Answer:
        """What its events say."""
        *_, last = [it for it in answer.text.strip().split("\n\n") if not it.startswith(":")]
        _, name, data = last.split("\n")
        told = orjson.loads(data.removeprefix("data: "))
        if name == "event: error":
            return Answer(told["detail"], code=cls.code_of_problem(told), raw=answer.text)
        return cls.of_reply(told, answer.text)

    @staticmethod
    def _parts(message: str, thread_id: str | None, key: str | None) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        return {"json": {"message": message, "thread_id": thread_id}, "headers": headers}
