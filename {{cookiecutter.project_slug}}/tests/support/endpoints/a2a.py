"""A2A by JSON-RPC."""

from typing import Any
from uuid import uuid4

import httpx2
import orjson

from .base import Answer
from .base import Client as Base


class Client(Base):
    """SendMessage and SendStreamingMessage; a decision is a further message of the task that waits for it."""

    name = "a2a"
    has_idempotency_key = True

    async def ask(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """By SendMessage."""
        answer = await self._call("SendMessage", self._said({"text": message}, contextId=thread_id), key)
        return self._of(answer, answer.json())

    async def stream(self, message: str, thread_id: str | None = None, key: str | None = None) -> Answer:
        """By SendStreamingMessage: the task as its events have left it."""
        answer = await self._call("SendStreamingMessage", self._said({"text": message}, contextId=thread_id), key)
        if not answer.headers["content-type"].startswith("text/event-stream"):
            return self._of(answer, answer.json())
        frames = [it.partition("data: ")[2] for it in answer.text.splitlines() if it.startswith("data: ")]
        task: dict[str, Any] = {}
        for event in (orjson.loads(frame)["result"] for frame in frames):
            task |= event.get("task", {})
            if update := event.get("statusUpdate"):
                task["status"] = update["status"]
            if update := event.get("artifactUpdate"):
                task["artifacts"] = [update["artifact"]]
        return self._of(answer, {"result": {"task": task}})

    async def decide(self, approval_id: str, thread_id: str, decision: str = "approve") -> Answer:
        """By a message to the task that waits; by `/v1` where none does, since a task that is over takes none."""
        found = await self._call("ListTasks", {"contextId": thread_id, "status": "TASK_STATE_INPUT_REQUIRED"})
        tasks = found.json()["result"]["tasks"]
        if not tasks:
            return await super().decide(approval_id, thread_id, decision)
        data = {"decision": decision, "id": approval_id}
        answer = await self._call("SendMessage", self._said({"data": data}, taskId=tasks[0]["id"]))
        return self._of(answer, answer.json())

    @staticmethod
    def _said(part: dict[str, Any], **ids: str | None) -> dict[str, Any]:
        named = {name: it for name, it in ids.items() if it is not None}
        return {"message": {"role": "ROLE_USER", "messageId": uuid4().hex, "parts": [part], **named}}

    async def _call(self, method: str, params: dict[str, Any], key: str | None = None) -> httpx2.Response:
        headers = {"A2A-Version": "1.0", **({"Idempotency-Key": key} if key else {})}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self.http() as client:
            return await client.post("/a2a", json=body, headers=headers)

    def _of(self, answer: httpx2.Response, told: dict[str, Any]) -> Answer:
        raw, status = f"{answer.headers}\n{answer.text}", None if answer.is_success else answer.status_code
        if error := told.get("error"):
            metadata = error["data"][0]["metadata"]
            code = "input-refused" if error["code"] == -32602 else self._code(metadata)
            after = answer.headers.get("retry-after") or metadata.get("retryAfterSeconds")
            retry_after = float(after) if after else None
            return Answer(error["message"], code=code, status=status, retry_after=retry_after, raw=raw)
        task = told["result"]["task"]
        said = task["status"].get("message", {"parts": []})
        if metadata := said.get("metadata"):  # it was refused, or broke
            after = metadata.get("retryAfterSeconds")
            text = said["parts"][0]["text"]
            return Answer(text, code=self._code(metadata), retry_after=float(after) if after else None, raw=raw)
        if "artifacts" not in task:  # it failed later, or its stream ended before it did
            text = next((part["text"] for part in said["parts"] if "text" in part), task["status"]["state"])
            return Answer(text, code=self._code({}), status=status, raw=raw)
        text, data = task["artifacts"][0]["parts"]
        calls = [call for part in said["parts"] for call in part.get("data", {}).get("approvals", [])]
        return Answer(
            text["text"],
            thread_id=task["contextId"],
            approvals=calls,
            degraded=data["data"]["degradedBecause"],
            raw=raw,
        )

    @staticmethod
    def _code(metadata: dict[str, str]) -> str:
        return metadata.get("problem", "internal-server-error").removeprefix("urn:problem:")
