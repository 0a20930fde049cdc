"""Threads in memory: for tests and trials, lost at the end."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Self

from langgraph.checkpoint.memory import InMemorySaver

from .store import Feedback, IdempotencyRecord, Store


class MemoryStore(Store):
    """Keeps threads as long as the process lives."""

    kind = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.saver = InMemorySaver()
        self._replies: dict[str, IdempotencyRecord] = {}
        self._feedback: dict[str, Feedback] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is left to close."""

    async def is_healthy(self) -> bool:
        """Always true."""
        return True

    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply saved under `key`."""
        record = self._replies.get(key)
        return record if record and record.expires_at > time.time() else None

    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply."""
        now = time.time()
        self._replies = {key: it for key, it in self._replies.items() if it.expires_at > now}
        self._replies[record.key] = record

    async def claim(self, record: IdempotencyRecord) -> bool:
        """Save `record`, unless its key is taken."""
        if await self.find_reply(record.key):
            return False
        await self.save_reply(record)
        return True

    async def _delete_replies(self, thread_id: str) -> None:
        self._replies = {k: it for k, it in self._replies.items() if it.thread_id != thread_id}

    async def find_thread(self, run_id: str) -> str | None:
        """The thread in which a run was saved."""
        async for checkpoint in self.saver.alist(None, filter={"run_id": run_id}):
            return str(checkpoint.config["configurable"]["thread_id"])
        return None

    async def save_feedback(self, feedback: Feedback) -> bool:
        """Save a rating."""
        if await self.find_thread(feedback.run_id) is None:
            return False
        self._feedback[feedback.run_id] = feedback
        return True

    async def feedback_since(self, moment: float) -> AsyncIterator[Feedback]:
        """The ratings given since then."""
        for feedback in sorted(self._feedback.values(), key=lambda it: it.given_at):
            if feedback.given_at >= moment:
                yield feedback

    async def _delete_feedback(self, thread_id: str) -> None:
        self._feedback = {k: it for k, it in self._feedback.items() if it.thread_id != thread_id}

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        newest: dict[str, str] = {}
        async for checkpoint in self.saver.alist(None):
            configurable = checkpoint.config["configurable"]
            thread_id = configurable["thread_id"]
            newest[thread_id] = max(newest.get(thread_id, ""), configurable["checkpoint_id"])
        return [thread for thread, newest_id in newest.items() if newest_id < checkpoint_id][:limit]
