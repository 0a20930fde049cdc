"""The chat completions, read without OpenAI's client: nothing of what came is lost."""

from http import HTTPStatus
from typing import Any

import httpx2
import orjson

from harness.http.failures import ErrorWords
from harness.project import Project

from .base import Answer
from .base import Client as Base


class Client(Base):
    """`POST /v1/chat/completions`; it has no way to decide."""

    name = "openai"
    routes = ("/v1/chat/completions",)
    has_idempotency_key = True
    withdrawn = "answer_withdrawn"

    @classmethod
    def word(cls, code: str, status: HTTPStatus) -> str:
        """`error.code`."""
        return ErrorWords.of(code, status).openai_code

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """At once."""
        answer = await self._post(message, thread_id, key, stream=False)
        told = answer.json()
        if not answer.is_success:
            return self._refused(answer, told)
        (choice,) = told["choices"]
        assert choice["finish_reason"] == "stop"
        return self._answered(choice["message"]["content"], told, answer)

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """From its chunks."""
        answer = await self._post(message, thread_id, key, stream=True)
        if not answer.is_success:
            return self._refused(answer, answer.json())
        frames = [it for it in answer.text.strip().split("\n\n") if not it.startswith(":")]
        *chunks, last = [it.removeprefix("data: ") for it in frames]
        if last != "[DONE]":
            error = orjson.loads(last)["error"]
            return Answer(error["message"], code=error["code"], raw=answer.text)
        deltas = [orjson.loads(it)["choices"][0] for it in chunks]
        assert deltas[0]["delta"]["role"] == "assistant"
        text = "".join(it["delta"].get("content", "") for it in deltas)
        return self._answered(text, orjson.loads(chunks[-1]), answer)

    async def _post(self, message: str, thread_id: str | None, key: str | None, *, stream: bool) -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else {}
        named = {"metadata": {"thread_id": thread_id}} if thread_id else {}
        messages = [{"role": "system", "content": "Be nice."}, {"role": "user", "content": message}]
        body = {"model": Project.load().name, "messages": messages, "stream": stream, **named}
        async with self.http() as client:
            return await client.post("/v1/chat/completions", json=body, headers=headers)

    @classmethod
    def _refused(cls, answer: httpx2.Response, told: dict[str, Any]) -> Answer:
        assert answer.headers["content-type"] == "application/json"
        return cls.refusal(answer, told["error"]["code"], told["error"]["message"])

    @classmethod
    def _answered(cls, text: str, told: dict[str, Any], answer: httpx2.Response) -> Answer:
        assert answer.headers["x-thread-id"] == told["thread_id"]
        return cls.of_reply({**told, "answer": text}, answer.text)
