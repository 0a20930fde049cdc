"""What an endpoint keeps of conversations beside them, such as an A2A task: its caller's, gone with the thread."""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is kept. Whoever writes it has masked the personal data in `value`."""

    endpoint: str
    owner: str
    """`Principal.id`: nobody finds another's."""

    key: str
    thread_id: str
    """The conversation among all callers' (`ThreadRef.key`), with which it is deleted."""

    value: str
    """JSON."""

    version: int = 0
    """How often it was saved; 0 before the first time."""

    updated_at: float = 0
    """Seconds since 1970; `save` sets it."""


class Records(ABC):
    """The records of all endpoints. Each method raises StoreUnavailable while the store is away."""

    @abstractmethod
    async def find(self, endpoint: str, owner: str, key: str) -> Record | None:
        """The record of this key as it is now, whichever process saved it."""

    @abstractmethod
    async def list(self, endpoint: str, owner: str, limit: int, before: float = float("inf")) -> Sequence[Record]:
        """Up to `limit` records of an owner, the newest first, of those saved before `before` (seconds since 1970)."""

    @abstractmethod
    async def save(self, record: Record) -> Record | None:
        """Save `record` and give it with its new version; None, and nothing is saved, where it is not of the last one.

        Of several processes that change one record at once, one gets it saved; the others read it again. What
        was deleted meanwhile is not made anew.
        """

    @abstractmethod
    async def delete(self, endpoint: str, owner: str, key: str) -> None:
        """Delete one, if it is there."""

    @abstractmethod
    async def delete_thread(self, thread_id: str) -> None:
        """Delete those of a conversation, whatever endpoint they are of, and whether it is on."""

    @abstractmethod
    async def purge(self, moment: datetime) -> None:
        """Delete those that were last saved before `moment`."""


class RecordsInMemory(Records):
    """Kept as long as the process lives."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str], Record] = {}

    async def find(self, endpoint: str, owner: str, key: str) -> Record | None:
        """The record."""
        return self._records.get((endpoint, owner, key))

    async def list(self, endpoint: str, owner: str, limit: int, before: float = float("inf")) -> Sequence[Record]:
        """The newest ones."""
        found = [it for it in self._records.values() if (it.endpoint, it.owner) == (endpoint, owner)]
        return sorted((it for it in found if it.updated_at < before), key=lambda it: -it.updated_at)[:limit]

    async def save(self, record: Record) -> Record | None:
        """Save it."""
        place = (record.endpoint, record.owner, record.key)
        last = self._records.get(place)
        if record.version != (last.version if last else 0):
            return None
        saved = replace(record, version=record.version + 1, updated_at=time.time())
        self._records[place] = saved
        return saved

    async def delete(self, endpoint: str, owner: str, key: str) -> None:
        """Delete it."""
        self._records.pop((endpoint, owner, key), None)

    async def delete_thread(self, thread_id: str) -> None:
        """Delete those of a conversation."""
        self._records = {place: it for place, it in self._records.items() if it.thread_id != thread_id}

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        oldest = moment.timestamp()
        self._records = {place: it for place, it in self._records.items() if it.updated_at >= oldest}


class SQLRecords(Records):
    """Kept in a database."""

    SELECT = "SELECT endpoint, owner, key, thread_id, value, version, updated_at FROM endpoint_records"

    def __init__(self, query: Callable[..., Awaitable[Sequence[Sequence[Any]]]]) -> None:
        """Run statements by `query`, with `?` for each value."""
        self._query = query

    async def find(self, endpoint: str, owner: str, key: str) -> Record | None:
        """The record."""
        rows = await self._query(f"{self.SELECT} WHERE endpoint = ? AND owner = ? AND key = ?", endpoint, owner, key)
        return Record(*rows[0]) if rows else None

    async def list(self, endpoint: str, owner: str, limit: int, before: float = float("inf")) -> Sequence[Record]:
        """The newest ones."""
        newest = "WHERE endpoint = ? AND owner = ? AND updated_at < ? ORDER BY updated_at DESC LIMIT ?"
        rows = await self._query(f"{self.SELECT} {newest}", endpoint, owner, before, limit)
        return [Record(*row) for row in rows]

    async def save(self, record: Record) -> Record | None:
        """Save it."""
        saved = replace(record, version=record.version + 1, updated_at=time.time())
        place = (saved.endpoint, saved.owner, saved.key)
        if record.version:
            statement = """
                UPDATE endpoint_records SET value = ?, version = ?, updated_at = ?
                WHERE endpoint = ? AND owner = ? AND key = ? AND version = ? RETURNING key
                """
            values: Sequence[object] = (saved.value, saved.version, saved.updated_at, *place, record.version)
        else:
            statement = """
                INSERT INTO endpoint_records (endpoint, owner, key, thread_id, value, version, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, owner, key) DO NOTHING RETURNING key
                """
            values = (*place, saved.thread_id, saved.value, saved.version, saved.updated_at)
        return saved if await self._query(statement, *values) else None

    async def delete(self, endpoint: str, owner: str, key: str) -> None:
        """Delete it."""
        where = "WHERE endpoint = ? AND owner = ? AND key = ? RETURNING key"
        await self._query(f"DELETE FROM endpoint_records {where}", endpoint, owner, key)  # noqa: S608  # nosec B608

    async def delete_thread(self, thread_id: str) -> None:
        """Delete those of a conversation."""
        await self._query("DELETE FROM endpoint_records WHERE thread_id = ? RETURNING key", thread_id)

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        await self._query("DELETE FROM endpoint_records WHERE updated_at < ? RETURNING key", moment.timestamp())
