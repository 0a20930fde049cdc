"""What every store of threads can do and what it keeps; and the store in memory."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, Self
from weakref import WeakValueDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from ..errors import ThreadBusy


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The reply to a request with an idempotency key, or a decision that was claimed."""

    key: str
    thread_id: str
    request: str
    """Fingerprint of the request that it answers."""

    reply: str
    """JSON; empty for a claimed decision, until its run ends."""

    expires_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the caller who got an answer thinks of it."""

    run_id: str
    thread_id: str
    """The conversation among all callers' (`ThreadRef.key`)."""

    rating: str
    """`up`, `down`, or `1` to `5`."""

    comment: str | None
    given_at: float
    """Seconds since 1970."""


class Store(ABC):
    """Keeps threads, replies and ratings while it is entered. One process has one."""

    BATCH: Final = 500
    """Threads that retention and ratings that an export reads at once; bounds their memory, guess."""

    EPOCH: Final = datetime.fromisoformat("1582-10-15T00:00:00+00:00")
    """Where the times of checkpoint ids begin: UUIDs of version 6 (RFC 9562, section 5.1)."""

    kind: ClassVar[Literal["memory", "sqlite", "postgresql"]]

    saver: BaseCheckpointSaver[str]
    """The graph's checkpoints."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Open the store and make what is missing in it.

        Raises:
            ConfigurationError: DATABASE_URL names a store that cannot be opened.
        """

    @abstractmethod
    async def __aexit__(self, *_: object) -> None:
        """Close it."""

    @abstractmethod
    async def is_healthy(self) -> bool:
        """True when the store answers a read just now."""

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered, against every other user of this store, in any process.

        First come, first served. With a wait of 0, only a free one.

        Raises:
            ThreadBusy: It was still locked after `wait_seconds`.
        """
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(wait_seconds):
                await lock.acquire()
        except TimeoutError:
            raise ThreadBusy(wait_seconds) from None
        try:
            yield
        finally:
            lock.release()

    def memory(self, owner: str) -> "BaseStore":
        """The long-term memory of one owner."""
        return InMemoryStore()

    @staticmethod
    def lock_name(thread_id: str) -> str:
        """The name of a thread's lock."""
        return f"thread {thread_id}"

    @classmethod
    def first_checkpoint_id(cls, moment: datetime) -> str:
        """The text that checkpoint ids made before `moment` sort before, and later ones after."""
        ticks = int((moment - cls.EPOCH).total_seconds() * 10_000_000)  # of 100 ns
        high, low = divmod(ticks, 1 << 12)
        return f"{high >> 16:08x}-{high & 0xFFFF:04x}-6{low:03x}"

    @abstractmethod
    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply saved under `key`, unless it has expired."""

    @abstractmethod
    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply; expired ones are deleted."""

    @abstractmethod
    async def claim(self, record: IdempotencyRecord) -> bool:
        """Save `record` unless there is one of its key; False where there is.

        Of any number that try at once, in any process, one gets True; and what it saves outlives
        the process and the machine.

        Raises:
            StoreUnavailable: It cannot be said whether it was saved.
        """

    @abstractmethod
    async def find_thread(self, run_id: str) -> str | None:
        """The thread in which a run was saved; None when there is none, or no longer."""

    @abstractmethod
    async def save_feedback(self, feedback: Feedback) -> bool:
        """Save a rating in place of an earlier one of its run; False when its thread is gone."""

    @abstractmethod
    def feedback_since(self, moment: float) -> AsyncIterator[Feedback]:
        """The ratings given at `moment` (seconds since 1970) or later, oldest first."""

    async def delete_thread(self, thread_id: str) -> None:
        """Delete a thread, its saved replies, and their ratings.

        The thread itself last: where this breaks off it is still there, to be deleted again.
        """
        await self._delete_records(thread_id)
        await self.saver.adelete_thread(thread_id)
        await self._delete_records(thread_id)  # a rating given meanwhile; from now on none can be

    @abstractmethod
    async def _delete_records(self, thread_id: str) -> None:
        """Delete the saved replies of a thread, and its ratings."""

    @abstractmethod
    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        """Threads whose newest checkpoint has an id before `checkpoint_id`."""

    async def purge_before(self, moment: datetime) -> int:
        """Delete the threads whose last run was before `moment`; how many."""
        before = self.first_checkpoint_id(moment)
        deleted = 0
        while threads := await self._threads_before(before, self.BATCH):
            count = 0
            for thread_id in threads:
                with suppress(ThreadBusy):  # in use: it is not old
                    async with self.lock(self.lock_name(thread_id), 0):
                        await self.delete_thread(thread_id)
                        count += 1
            deleted += count
            if not count:
                break
            await asyncio.sleep(0)
        return deleted


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

    async def _delete_records(self, thread_id: str) -> None:
        self._feedback = {k: it for k, it in self._feedback.items() if it.thread_id != thread_id}
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

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        newest: dict[str, str] = {}
        async for checkpoint in self.saver.alist(None):
            configurable = checkpoint.config["configurable"]
            thread_id = configurable["thread_id"]
            newest[thread_id] = max(newest.get(thread_id, ""), configurable["checkpoint_id"])
        return [thread for thread, newest_id in newest.items() if newest_id < checkpoint_id][:limit]
