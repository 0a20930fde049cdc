"""What agents remember of each owner beyond a conversation: all of it, in memory or in a database."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from langgraph.store.base import GetOp, Item, Op, PutOp, Result
from langgraph.store.memory import InMemoryStore

from .owner_store import Batch, OwnerStore

Place = tuple[tuple[str, ...], str]
"""Namespace and key of an item."""

START: Final[Place] = ((), "")
"""Before the first item."""


class Memories(ABC):
    """The items of all owners."""

    OWNER: Final = re.compile(r"[0-9a-z]*")
    """Nothing that a namespace, LIKE or another owner's name could be mistaken for."""

    def __init__(self, batch: Batch) -> None:
        """Keep them where `batch` does."""
        self._batch = batch

    @classmethod
    def label(cls, owner: str) -> str:
        """The first label of an owner's namespaces.

        Raises:
            ValueError: `owner` is no `Principal.owner`.
        """
        if not cls.OWNER.fullmatch(owner):
            raise ValueError("owner: digits and small letters only")
        return f"owner:{owner}"

    def of(self, owner: str) -> OwnerStore:
        """What is remembered of one owner, to read and write; call it in the event loop."""
        return OwnerStore(self._batch, self.label(owner))

    @abstractmethod
    async def page(self, owner: str, after: Place, limit: int) -> list[Item]:
        """Up to `limit` items of an owner in the order of their places, from `after` on."""

    @abstractmethod
    async def delete(self, owner: str) -> None:
        """Delete every item of an owner."""

    @abstractmethod
    async def purge(self, moment: datetime) -> None:
        """Delete the items that were last written before `moment`."""


class _ItemStore(InMemoryStore):
    """LangGraph's store, which (4.3) lists a namespace that was only read, or that nothing is left in."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """The results of `ops`."""
        given = list(ops)
        results = super().batch(given)
        for namespace in {it.namespace for it in given if isinstance(it, GetOp | PutOp)}:
            if not self._data[namespace]:
                del self._data[namespace]
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The results of `ops`, at once."""
        return self.batch(ops)


class MemoriesInMemory(Memories):
    """Kept as long as the process lives."""

    def __init__(self) -> None:
        self._store = _ItemStore()
        super().__init__(self._store.abatch)

    async def page(self, owner: str, after: Place, limit: int) -> list[Item]:
        """The items, sorted."""
        label = self.label(owner)
        found = [it for it in self._items((label,)) if (it.namespace[1:], it.key) > after]
        found.sort(key=lambda it: (it.namespace, it.key))
        return [self._shown(it) for it in found[:limit]]

    async def delete(self, owner: str) -> None:
        """Delete them."""
        for item in self._items((self.label(owner),)):
            self._store.delete(item.namespace, item.key)

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        for item in self._items(()):
            if item.updated_at < moment:
                self._store.delete(item.namespace, item.key)

    @staticmethod
    def _shown(item: Item) -> Item:
        shown = copy(item)
        shown.namespace = item.namespace[1:]
        return shown

    def _items(self, prefix: tuple[str, ...]) -> Sequence[Item]:
        return self._store.search(prefix, limit=2**31)


Query = Callable[..., Awaitable[list[Sequence[Any]]]]
"""Runs a query with `?` for each value that follows; raises StoreUnavailable."""


class SQLMemories(Memories):
    """Kept in the table `store` of LangGraph's own SQL stores."""

    def __init__(self, batch: Batch, query: Query) -> None:
        super().__init__(batch)
        self._query = query

    async def page(self, owner: str, after: Place, limit: int) -> list[Item]:
        """The items, by the database's order."""
        label = self.label(owner)
        place = (".".join((label, *after[0])), after[1])
        query = """
            SELECT prefix, key, value, created_at, updated_at FROM store
            WHERE (prefix = ? OR prefix LIKE ?) AND (prefix, key) > (?, ?) ORDER BY prefix, key LIMIT ?
            """
        rows = await self._query(query, label, f"{label}.%", *place, limit)
        return [self._item(*row) for row in rows]

    @classmethod
    def _item(cls, prefix: str, key: str, value: Any, created_at: Any, updated_at: Any) -> Item:
        return Item(
            value=value if isinstance(value, dict) else orjson.loads(value),
            key=key,
            namespace=tuple(prefix.split(".")[1:]),
            created_at=cls._time(created_at),
            updated_at=cls._time(updated_at),
        )

    @staticmethod
    def _time(moment: Any) -> datetime:
        """SQLite gives a text in UTC, PostgreSQL a time of its own zone."""
        if isinstance(moment, datetime):
            return moment.astimezone(UTC)
        return datetime.fromisoformat(moment).replace(tzinfo=UTC)

    async def delete(self, owner: str) -> None:
        """Delete them."""
        label = self.label(owner)
        await self._query("DELETE FROM store WHERE prefix = ? OR prefix LIKE ? RETURNING key", label, f"{label}.%")

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        # SQLite compares texts, its own end before the zone; PostgreSQL reads a time.
        text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00"
        await self._query("DELETE FROM store WHERE updated_at < ? RETURNING key", text)
