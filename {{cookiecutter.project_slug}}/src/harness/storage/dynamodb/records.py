"""What endpoints keep of conversations: each in its owner's partition, and its key with its conversation."""

import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..records import Record, Records
from .places import Lifetime, Places
from .table import Item, Key, Table


class DynamoRecords(Records):
    """Kept in the table."""

    KIND: Final = "record"

    def __init__(self, table: Table, lifetime: Lifetime) -> None:
        self._table = table
        self._lifetime = lifetime

    async def find(self, endpoint: str, owner: str, key: str) -> Record | None:
        """The record."""
        found = await self._table.timeout.call(self._table.get(self._key(endpoint, owner, key)))
        return self._record(found) if found else None

    async def list(self, endpoint: str, owner: str, limit: int, before: float = float("inf")) -> Sequence[Record]:
        """The newest ones."""
        return await self._table.timeout.call(self._list(endpoint, owner, limit, before))

    async def _list(self, endpoint: str, owner: str, limit: int, before: float) -> Sequence[Record]:
        partition, _ = self._key(endpoint, owner, "")
        found = [it async for it in self._table.query(partition) if it["updated"] < before]
        return [self._record(it) for it in sorted(found, key=lambda it: -it["updated"])[:limit]]

    async def save(self, record: Record) -> Record | None:
        """Save it."""
        saved = replace(record, version=record.version + 1, updated_at=time.time())
        return saved if await self._table.timeout.call(self._save(saved)) else None

    async def _save(self, record: Record) -> bool:
        end = self._lifetime.end()
        place = (record.endpoint, record.owner, record.key)
        partition, key = self._key(*place)
        where = Places(record.thread_id)
        pointer = {"PK": where.partition, "SK": f"{Places.RECORDS}{partition}#{key}", "to": partition, "key": key}
        await self._table.put({**pointer, "ttl": end})
        row = {
            "PK": partition,
            "SK": key,
            "kind": self.KIND,
            "at": Lifetime.moment(record.updated_at),
            "endpoint": record.endpoint,
            "owner": record.owner,
            "thread": record.thread_id,
            "value": zlib.compress(record.value.encode(), 1),
            "version": record.version,
            "updated": record.updated_at,
            "ttl": end,
        }
        if record.version == 1:
            return await self._table.put(row, "attribute_not_exists(#PK) OR #ttl <= :now", now=time.time())
        return await self._table.put(row, "#version = :last", last=record.version - 1)

    async def delete(self, endpoint: str, owner: str, key: str) -> None:
        """Delete it."""
        await self._table.timeout.call(self._delete(self._key(endpoint, owner, key)))

    async def _delete(self, key: Key, condition: str = "", **values: str) -> None:
        if old := await self._table.delete(key, condition, **values):
            where = Places(old["thread"])
            await self._table.delete((where.partition, f"{Places.RECORDS}{key[0]}#{key[1]}"))

    async def delete_thread(self, thread_id: str) -> None:
        """Delete those of a conversation."""
        await self._table.timeout.call(self._delete_thread(thread_id))

    async def _delete_thread(self, thread_id: str) -> None:
        partition = Places(thread_id).partition
        async for pointer in self._table.query(partition, Places.RECORDS, is_fresh=False):
            await self._table.delete((pointer["to"], pointer["key"]), "#thread = :thread", thread=thread_id)
            await self._table.delete((partition, pointer["SK"]))

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        before = Lifetime.moment(moment.timestamp())
        for key in await self._table.timeout.call(self._old(before)):
            await self._table.timeout.call(self._delete(key, "#at < :before", before=before))

    async def _old(self, before: str) -> Sequence[Key]:
        return [(it["PK"], it["SK"]) async for it in self._table.by_time(self.KIND, "<", before)]

    @staticmethod
    def _key(endpoint: str, owner: str, key: str) -> Key:
        return f"record#{endpoint}#{owner}", key

    @staticmethod
    def _record(row: Item) -> Record:
        value = zlib.decompress(row["value"]).decode()
        place = (row["endpoint"], row["owner"], row["SK"])
        return Record(*place, row["thread"], value, int(row["version"]), row["updated"])
