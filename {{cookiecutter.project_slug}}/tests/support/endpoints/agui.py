"""AG-UI, read with the protocol's own types."""

from typing import Any
from uuid import uuid4

import httpx2
from ag_ui.core import Event, EventType, RunAgentInput
from pydantic import TypeAdapter

from .base import Answer
from .base import Client as Base

EVENT: TypeAdapter[Any] = TypeAdapter(Event)


class Client(Base):
    """`POST /v1/agui`, which always streams; the client's run id is the key."""

    name = "agui"
    routes = ("/v1/agui",)
    ways = ("stream",)
    has_idempotency_key = True

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """The same."""
        return await self.stream(message, thread_id, key)

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """From its events."""
        messages = [{"id": "1", "role": "system", "content": "Be nice."}]
        return await self._run(thread_id, key, messages=[*messages, {"id": "2", "role": "user", "content": message}])

    async def decide(self, approval_id: str, thread_id: str, decision: str = "approve") -> Answer:
        """By resuming."""
        payload = {"approved": decision == "approve"}
        entry = {"interruptId": approval_id, "status": "resolved", "payload": payload}
        return await self._run(thread_id, None, messages=[], resume=[entry])

    async def _run(self, thread_id: str | None, key: str | None, **parts: Any) -> Answer:
        ids = {"threadId": thread_id or uuid4().hex, "runId": key or str(uuid4()), "protocolVersion": "1.0"}
        given = RunAgentInput.model_validate({**ids, **parts})
        async with self.http() as client:
            body = given.model_dump(mode="json", by_alias=True, exclude_none=True)
            answer = await client.post("/v1/agui", json=body)
        return self.read(answer) if answer.is_success else self.of_v1(answer)

    @classmethod
    def read(cls, answer: httpx2.Response) -> Answer:
        """What the events say together."""
        frames = [it for it in answer.text.strip().split("\n\n") if not it.startswith(":")]
        events = [EVENT.validate_json(it.removeprefix("data: ")) for it in frames]
        if events[-1].type == EventType.RUN_ERROR:
            return Answer(events[-1].message, code=events[-1].code, raw=answer.text)
        first, *between, last = events
        assert (first.type, last.type) == (EventType.RUN_STARTED, EventType.RUN_FINISHED)
        text = ""
        for event in between:
            match event.type:
                case EventType.TEXT_MESSAGE_START:
                    text = ""
                case EventType.TEXT_MESSAGE_CONTENT:
                    text += event.delta
        waiting = last.outcome.interrupts if last.outcome.type == "interrupt" else []
        approvals = [{"id": it.id, **it.metadata} for it in waiting]
        return Answer(
            text,
            thread_id=last.thread_id,
            approvals=approvals,
            degraded=last.result["degraded_because"],
            raw=answer.text,
        )
