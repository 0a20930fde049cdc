"""What every store of threads can do and what it keeps; and the store in memory."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final, Self
from weakref import WeakValueDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore

from ..errors import ThreadBusy
from .checkpoint_ids import CheckpointIds
from .memories import Memories, MemoriesInMemory
from .records import Records, RecordsInMemory
from .thread_ref import ThreadRef


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The reply to a request with an idempotency key, or a decision that was claimed."""

    key: str
    thread_id: str
    request: str
    """Fingerprint of the request that it answers."""

    reply: str
    """JSON; empty for a claimed decision, until its run ends; `PROPOSED` before there is one."""

    expires_at: float
    """Seconds since 1970."""

    PROPOSED: ClassVar = "proposed"
    """`reply` of a call that was shown to a person; `request` is then the call's fingerprint."""


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
    """Threads that retention, and threads or ratings that an export reads at once; bounds their memory, guess."""

    kind: ClassVar[str]
    """How DATABASE_URL begins."""

    saver: BaseCheckpointSaver[str]
    """The graph's checkpoints."""

    memories: Memories
    """What agents remember beyond a conversation."""

    records: Records
    """What endpoints keep of conversations beside them."""

    def __init__(self) -> None:
        CheckpointIds.install()
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
        """True when a turn could be saved just now."""

    def memory(self, owner: str) -> BaseStore:
        """What agents remember of `owner` beyond a conversation, and of nobody else; call it in the event loop."""
        return self.memories.of(owner)

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

    @staticmethod
    def lock_name(thread_id: str) -> str:
        """The name of a thread's lock."""
        return f"thread {thread_id}"

    @abstractmethod
    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply or decision saved under `key`, unless it has expired."""

    @abstractmethod
    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply; expired ones are deleted."""

    @abstractmethod
    async def propose(self, record: IdempotencyRecord) -> None:
        """Save a call that a person is shown, by its fingerprint, unless there is a record of its key."""

    @abstractmethod
    async def proposals(self, thread_id: str) -> Mapping[str, str]:
        """The calls of a thread that may be claimed: key -> fingerprint."""

    @abstractmethod
    async def claim(self, record: IdempotencyRecord, fingerprint: str) -> bool:
        """Save `record` in place of the proposal of its key with this `fingerprint`; False without one.

        Of any that try at once, in any process, one gets True; what it saves outlives a power cut.
        StoreUnavailable: it cannot be said whether it was saved.
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
        """Delete a thread and all that is kept of it; itself last: where this breaks off, it can be deleted again."""
        await self._delete_thread(thread_id)
        await self._erase()

    async def _erase(self) -> None:  # noqa: B027  # a store without files has nothing to do
        """Leave nothing of what was deleted in files of ours either."""

    async def _delete_thread(self, thread_id: str) -> None:
        await self._delete_records(thread_id)
        await self.records.delete_thread(thread_id)
        for companion in await self._companions(thread_id):
            await self.saver.adelete_thread(companion)
        await self.saver.adelete_thread(thread_id)
        await self._delete_records(thread_id)  # a rating given meanwhile; from now on none can be

    @abstractmethod
    async def _delete_records(self, thread_id: str) -> None:
        """Delete the saved replies of a thread, and its ratings."""

    @abstractmethod
    def threads(self) -> AsyncIterator[str]:
        """Every thread, each once, in any order; without companions. One that begins or ends meanwhile may be missing."""

    @abstractmethod
    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        """Threads whose newest checkpoint, companions' included, has an id before `checkpoint_id`."""

    @abstractmethod
    async def _companions(self, thread_id: str) -> Sequence[str]:
        """The companions of a thread (`ThreadRef.companion`), also where it is gone itself."""

    async def purge_before(self, moment: datetime) -> int:
        """Delete the threads whose last run was before `moment`; how many. Memories and records of then go too."""
        await self.memories.purge(moment)
        await self.records.purge(moment)
        before = CheckpointIds.first(moment)
        deleted = 0
        while threads := await self._threads_before(before, self.BATCH):
            count = 0
            for thread_id in threads:
                with suppress(ThreadBusy):  # in use: it is not old
                    async with self.lock(self.lock_name(thread_id), 0):
                        await self._delete_thread(thread_id)
                        count += 1
            deleted += count
            if not count:
                break
            await asyncio.sleep(0)
        await self._erase()
        return deleted


class MemoryStore(Store):
    """Keeps threads as long as the process lives."""

    kind = "memory"
    saver: InMemorySaver

    def __init__(self) -> None:
        super().__init__()
        self.saver = InMemorySaver()
        self.memories = MemoriesInMemory()
        self.records = RecordsInMemory()
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
        record = self._fresh(key)
        return record if record and record.reply != record.PROPOSED else None

    def _fresh(self, key: str) -> IdempotencyRecord | None:
        record = self._replies.get(key)
        return record if record and record.expires_at > time.time() else None

    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply."""
        now = time.time()
        self._replies = {key: it for key, it in self._replies.items() if it.expires_at > now}
        self._replies[record.key] = record

    async def propose(self, record: IdempotencyRecord) -> None:
        """Save a proposal."""
        if self._fresh(record.key) is None:
            await self.save_reply(replace(record, reply=record.PROPOSED))

    async def proposals(self, thread_id: str) -> Mapping[str, str]:
        """The calls that may be claimed."""
        records = [it for it in self._replies.values() if it.thread_id == thread_id and self._fresh(it.key)]
        return {it.key: it.request for it in records if it.reply == it.PROPOSED}

    async def claim(self, record: IdempotencyRecord, fingerprint: str) -> bool:
        """Save `record` in place of its proposal."""
        proposal = self._fresh(record.key)
        if proposal is None or (proposal.request, proposal.reply) != (fingerprint, proposal.PROPOSED):
            return False
        await self.save_reply(record)
        return True

    async def _delete_records(self, thread_id: str) -> None:
        self._feedback = {k: it for k, it in self._feedback.items() if it.thread_id != thread_id}
        self._replies = {k: it for k, it in self._replies.items() if it.thread_id != thread_id}

    async def find_thread(self, run_id: str) -> str | None:
        """The thread in which a run was saved."""
        async for checkpoint in self.saver.alist(None, filter={"run_id": run_id}):
            return ThreadRef.root(checkpoint.config["configurable"]["thread_id"])
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

    async def threads(self) -> AsyncIterator[str]:
        """The threads."""
        for thread_id in dict.fromkeys(map(ThreadRef.root, list(self.saver.storage))):
            yield thread_id

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        newest: dict[str, str] = {}
        async for checkpoint in self.saver.alist(None):
            configurable = checkpoint.config["configurable"]
            thread_id = ThreadRef.root(configurable["thread_id"])
            newest[thread_id] = max(newest.get(thread_id, ""), configurable["checkpoint_id"])
        return [thread for thread, newest_id in newest.items() if newest_id < checkpoint_id][:limit]

    async def _companions(self, thread_id: str) -> Sequence[str]:
        return [it for it in list(self.saver.storage) if it != thread_id and ThreadRef.root(it) == thread_id]
