"""What agents remember of each owner, an item each in the owner's own partition."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from langgraph.store.base import GetOp, Item, ListNamespacesOp, Op, PutOp, Result, SearchOp
from langgraph.store.memory import InMemoryStore

from ..memories import Memories, Place
from .places import Lifetime
from .table import Item as Row
from .table import Key, Table


class DynamoMemories(Memories):
    """Searches are done here, as LangGraph's store in memory does them, over what an owner's prefix holds."""

    KIND: Final = "memory"

    MOST_BYTES: Final = 1024
    """Of a place in a partition: DynamoDB's own limit."""

    def __init__(self, table: Table, lifetime: Lifetime) -> None:
        super().__init__(self._batch_of)
        self._table = table
        self._lifetime = lifetime

    async def _batch_of(self, ops: Sequence[Op]) -> list[Result]:
        return await self._table.timeout.call(self._each(ops))

    async def _each(self, ops: Sequence[Op]) -> list[Result]:
        return [await self._result(op) for op in ops]

    async def _result(self, op: Op) -> Result:
        match op:
            case GetOp():
                row = await self._table.get(self._key(op.namespace, op.key))
                return self._item(row) if row else None
            case PutOp(value=None):
                await self._table.delete(self._key(op.namespace, op.key))
            case PutOp():
                await self._put(op)
            case SearchOp():
                return await self._search(op.namespace_prefix, op)
            case ListNamespacesOp():
                first = next(it.path for it in op.match_conditions or () if it.match_type == "prefix")
                return await self._search(first[:1], op)
        return None

    async def _search(self, prefix: Sequence[str], op: Op) -> Result:
        found = InMemoryStore()
        async for row in self._table.query(self._partition(prefix[0]), ".".join(prefix[1:])):
            item = self._item(row)
            found._data[item.namespace][item.key] = item  # noqa: SLF001  # with its own times
        (result,) = found.batch([op])
        return result

    async def _put(self, op: PutOp) -> None:
        key, now = self._key(op.namespace, op.key), datetime.now(UTC)
        old = await self._table.get(key)
        row = {
            "PK": key[0],
            "SK": key[1],
            "kind": self.KIND,
            "at": Lifetime.moment(now.timestamp()),
            "namespace": ".".join(op.namespace),
            "key": op.key,
            "value": orjson.dumps(op.value),
            "created": old["created"] if old else now.isoformat(),
            "updated": now.isoformat(),
            "ttl": self._lifetime.end(),
        }
        await self._table.put(row)

    async def page(self, owner: str, after: Place, limit: int) -> list[Item]:
        """The items, sorted."""
        return await self._table.timeout.call(self._page(owner, after, limit))

    async def _page(self, owner: str, after: Place, limit: int) -> list[Item]:
        found = [self._item(row) async for row in self._table.query(self._partition(self.label(owner)))]
        for item in found:
            item.namespace = item.namespace[1:]
        found.sort(key=lambda it: (it.namespace, it.key))
        return [it for it in found if (it.namespace, it.key) > after][:limit]

    async def delete(self, owner: str) -> None:
        """Delete them."""
        await self._table.timeout.call(self._delete(owner))

    async def _delete(self, owner: str) -> None:
        rows = self._table.query(self._partition(self.label(owner)), only="PK SK", is_fresh=False)
        await self._table.delete_all([(row["PK"], row["SK"]) async for row in rows])

    async def purge(self, moment: datetime) -> None:
        """Delete the old ones."""
        before = Lifetime.moment(moment.timestamp())
        old = self._table.by_time(self.KIND, "<", before)
        for key in await self._table.timeout.call(self._keys(old)):
            await self._table.timeout.call(self._table.delete(key, "#at < :before", before=before))

    @staticmethod
    async def _keys(rows: Any) -> Sequence[Key]:
        return [(row["PK"], row["SK"]) async for row in rows]

    @staticmethod
    def _partition(label: str) -> str:
        return f"memory#{label}"

    @classmethod
    def _key(cls, namespace: Sequence[str], key: str) -> Key:
        path = ".".join(namespace[1:]) + "\0"  # neither holds that
        place = path + key
        if len(place.encode()) > cls.MOST_BYTES:
            place = f"{path}\0{sha256(key.encode()).hexdigest()}"
        return cls._partition(namespace[0]), place

    @staticmethod
    def _item(row: Row) -> Item:
        return Item(
            value=orjson.loads(row["value"]),
            key=row["key"],
            namespace=tuple(row["namespace"].split(".")),
            created_at=datetime.fromisoformat(row["created"]),
            updated_at=datetime.fromisoformat(row["updated"]),
        )
