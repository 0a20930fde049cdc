"""Threads in DynamoDB: any number of processes and machines, nothing to manage."""

import asyncio
import math
import time
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from ...errors import ConfigurationError, StoreUnavailable
from ...run_context import RunContext
from ...settings import Settings
from ...settings.network import Region
from ..store import Feedback, IdempotencyRecord, Store
from ..thread_ref import ThreadRef
from .leases import Leases
from .memories import DynamoMemories
from .places import Lifetime, Places
from .records import DynamoRecords
from .saver import Saver
from .table import Item, Key, Table


class DynamoStore(Store):
    """Keeps everything in one table. What RETENTION_DAYS says ends by the table's own clock, with no command."""

    kind = "dynamodb"
    saver: Saver

    PROBE: Final[Key] = ("probe", "probe")

    FREE: Final = "attribute_not_exists(#PK) OR #until <= :now"

    def __init__(self, settings: Settings) -> None:
        """Use the table that DATABASE_URL names.

        Raises:
            ConfigurationError: There is no region.
        """
        super().__init__()
        url = urlsplit(settings.database_url)
        self._name = url.netloc
        self._region = parse_qs(url.query).get("region", [None])[0] or Region.of_aws()
        self._connections = settings.database_pool_size
        self._seconds = settings.database_timeout_seconds
        self._lifetime = Lifetime(settings.retention_days)

    async def __aenter__(self) -> Self:
        """Reach the table, and see that it may be written and has its index."""
        try:
            self._table = Table(self._name, self._region, self._connections, self._seconds)
            await self._probe()
            async for _ in self._table.by_time("probe", "<", "0", limit=1):
                pass
        except (BotoCoreError, ClientError, OSError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            problem = f"cannot use the table {self._name} ({code}): see that it is there as table.json says"
            remedy = "in AWS_REGION or ?region=..., with its index, and that the role may use both"
            raise ConfigurationError([f"DATABASE_URL: {problem}, {remedy}"]) from None
        self._timeout = self._table.timeout
        self.memories = DynamoMemories(self._table, self._lifetime)
        self.records = DynamoRecords(self._table, self._lifetime)
        self._leases = Leases(self._table)
        self.saver = Saver()
        self.saver.table, self.saver.lifetime = self._table, self._lifetime
        self.saver.timeout, self.saver.loop = self._timeout, asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._table.close()

    async def is_healthy(self) -> bool:
        """True when the table lets us write just now."""
        try:
            await self._timeout.call(self._probe())
        except StoreUnavailable:
            return False
        return True

    async def _probe(self) -> None:
        """Ask for a write that no condition lets through."""
        item = {"PK": self.PROBE[0], "SK": self.PROBE[1], "ttl": 0}
        await self._table.put(item, "attribute_exists(#PK) AND attribute_not_exists(#PK)")

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered, in every process; in this one only, while the store is away.

        Raises:
            ThreadBusy: It was still locked after `wait_seconds`.
            StoreUnavailable: The store is away, and no run goes on without it.
        """
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        async with super().lock(name, wait_seconds), AsyncExitStack() as locks:
            status = RunContext.current().persistence
            try:
                if not (status and status.failed):
                    lease = await locks.enter_async_context(self._leases.lock(name, max(0, last - clock())))
                    if status:
                        status.confirm = lease.confirm
            except StoreUnavailable as error:
                if status is None:
                    raise
                status.mark_failed(error)
            yield

    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply saved under `key`."""
        row = await self._timeout.call_or(self._table.get(self._place(key)), None)
        record = self._reply(row) if row else None
        return record if record and record.reply != record.PROPOSED and record.expires_at > time.time() else None

    async def save_reply(self, record: IdempotencyRecord) -> None:
        """Save a reply."""
        await self._timeout.call_or(self._save(record, Places.REPLIES), None)

    async def propose(self, record: IdempotencyRecord) -> None:
        """Save a proposal."""
        proposed = replace(record, reply=record.PROPOSED)
        await self._timeout.call_or(self._save(proposed, Places.PROPOSALS, self.FREE, now=time.time()), None)

    async def _save(self, record: IdempotencyRecord, kind: str, condition: str = "", **values: float) -> None:
        """Save its key with its thread first: what breaks off between leaves a key of nothing."""
        pointer = {"PK": Places(record.thread_id).partition, "SK": f"{kind}{record.key}", "key": record.key}
        await self._table.put({**pointer, "ttl": math.ceil(record.expires_at)})
        await self._table.put(self._row(record), condition, **values)

    async def proposals(self, thread_id: str) -> Mapping[str, str]:
        """The calls that may be claimed."""
        records = await self._timeout.call(self._proposed(thread_id))
        ours = [it for it in records if it.thread_id == thread_id and it.expires_at > time.time()]
        return {it.key: it.request for it in ours if it.reply == it.PROPOSED}

    async def _proposed(self, thread_id: str) -> Sequence[IdempotencyRecord]:
        pointers = self._table.query(Places(thread_id).partition, Places.PROPOSALS)
        rows = await self._table.get_all([self._place(it["key"]) async for it in pointers])
        return [self._reply(it) for it in rows]

    async def claim(self, record: IdempotencyRecord, fingerprint: str) -> bool:
        """Save `record` in place of its proposal."""
        condition = "#request = :request AND #state = :state AND #until > :now"
        values = {"request": fingerprint, "state": record.PROPOSED, "now": time.time()}
        return await self._timeout.call(self._table.put(self._row(record), condition, **values))

    async def find_thread(self, run_id: str) -> str | None:
        """The thread in which a run was saved."""
        row = await self._timeout.call(self._table.get((f"run#{run_id}", "run")))
        return row["thread"] if row else None

    async def save_feedback(self, feedback: Feedback) -> bool:
        """Save a rating."""
        return await self._timeout.call(self._rate(feedback))

    async def _rate(self, feedback: Feedback) -> bool:
        places = Places(feedback.thread_id)
        place = (places.partition, f"{Places.RATINGS}{feedback.run_id}")
        row = {
            "PK": place[0],
            "SK": place[1],
            "kind": "rating",
            "at": f"{Lifetime.moment(feedback.given_at)}#{feedback.run_id}",
            "run": feedback.run_id,
            "thread": feedback.thread_id,
            "rating": feedback.rating,
            "comment": feedback.comment,
            "given": feedback.given_at,
            "ttl": self._lifetime.end(feedback.given_at),
        }
        await self._table.put(row)
        if await self._table.get((places.partition, places.mark)):
            return True  # whoever deletes the thread from now on deletes this too
        await self._table.delete(place)
        return False

    async def feedback_since(self, moment: float) -> AsyncIterator[Feedback]:
        """The ratings given since then."""
        ratings = self._table.by_time("rating", ">=", Lifetime.moment(moment))
        while row := await self._timeout.call(self._next(ratings)):
            yield Feedback(row["run"], row["thread"], row["rating"], row.get("comment"), row["given"])

    @staticmethod
    async def _next(rows: AsyncIterator[Item]) -> Item | None:
        return await anext(rows, None)

    async def _delete_records(self, thread_id: str) -> None:
        await self._timeout.call(self._forget(thread_id))

    async def _forget(self, thread_id: str) -> None:
        partition = Places(thread_id).partition
        async for it in self._table.query(partition, Places.KEYS, only="SK key", is_fresh=False):
            if key := it.get("key"):
                await self._table.delete(self._place(key), "#thread = :thread", thread=thread_id)
            await self._table.delete((partition, it["SK"]))

    async def threads(self) -> AsyncIterator[str]:
        """The threads, the one that rests longest first."""
        marks = self._table.by_time("thread", ">=", "0")
        while mark := await self._timeout.call(self._next(marks)):
            yield Places.marked(mark["PK"], mark["SK"])

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        return await self._timeout.call(self._old(checkpoint_id, limit))

    async def _old(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        marks = self._table.by_time("thread", "<", checkpoint_id, limit)
        now = await self._table.get_all([(it["PK"], it["SK"]) async for it in marks])
        return [Places.marked(it["PK"], it["SK"]) for it in now if it["at"] < checkpoint_id]

    async def _companions(self, thread_id: str) -> Sequence[str]:
        return await self._timeout.call(self._marked(thread_id))

    async def _marked(self, thread_id: str) -> Sequence[str]:
        partition = Places(thread_id).partition
        marks = self._table.query(partition, Places.MARKS, is_fresh=False)
        found = [Places.marked(partition, it["SK"]) async for it in marks]
        return [it for it in found if it != ThreadRef.root(it)]

    @staticmethod
    def _place(key: str) -> Key:
        return f"reply#{key}", "reply"

    def _row(self, record: IdempotencyRecord) -> Item:
        """With `ttl` in whole seconds, as the table's own clock reads it."""
        is_proposed = record.reply == record.PROPOSED
        return {
            "PK": self._place(record.key)[0],
            "SK": self._place(record.key)[1],
            "key": record.key,
            "thread": record.thread_id,
            "request": record.request,
            "state": record.PROPOSED if is_proposed else "saved",
            "reply": zlib.compress(record.reply.encode(), 1),
            "until": record.expires_at,
            "ttl": math.ceil(record.expires_at),
        }

    @staticmethod
    def _reply(row: Item) -> IdempotencyRecord:
        reply = zlib.decompress(row["reply"]).decode()
        return IdempotencyRecord(row["key"], row["thread"], row["request"], reply, row["until"])


STORE: Final = DynamoStore
