"""The table: plain items in, plain items out, and nothing that has expired."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..persistence import StoreTimeout

Key = tuple[str, str]
"""Partition and place in it."""

Item = Mapping[str, Any]
"""Texts, bytes and numbers by name, with PK and SK; None is left out."""


class Table:
    """One table. Every item has a `ttl`, after which no read finds it, whenever DynamoDB deletes it.

    The client blocks: its calls run in threads of its own, as many as it has connections.
    """

    AWAY: Final = (BotoCoreError, ClientError, OSError, ValueError, TypeError)
    """Whatever goes wrong; ValueError and TypeError: a text without an encoding, a value that cannot be stored."""

    INDEX: Final = "by-time"
    """Of items with `kind`, by the text `at`. Eventually consistent: what it gives is read again where it matters."""

    ATTEMPTS: Final = 2
    """Of one call, each with half of the time: one connection that hangs is no failure."""

    MOST_WRITTEN: Final = 25
    MOST_READ: Final = 100
    """Items of one BatchWriteItem and BatchGetItem: DynamoDB's own limits."""

    UNPROCESSED_SECONDS: Final = 0.05
    """Pause before what was throttled in a batch is sent again, seconds; guess."""

    NAME: Final = re.compile(r"#(\w+)")

    def __init__(self, name: str, region: str | None, connections: int, seconds: float) -> None:
        """Use the table `name` over up to `connections`, and wait `seconds` for each answer.

        Raises:
            BotoCoreError: There is no region.
        """
        config = Config(
            connect_timeout=seconds / self.ATTEMPTS,
            read_timeout=seconds / self.ATTEMPTS,
            max_pool_connections=connections,
            retries={"mode": "standard", "total_max_attempts": self.ATTEMPTS},
        )
        self.name = name
        self.timeout = StoreTimeout(seconds, self.AWAY)
        self._client: Any = boto3.Session(region_name=region).client("dynamodb", config=config)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="dynamodb")

    def close(self) -> None:
        """Accept nothing more; what was accepted is still done."""
        self._threads.shutdown(wait=False)
        self._client.close()

    async def get(self, key: Key) -> Item | None:
        """The item, as it is just now."""
        call = partial(self._client.get_item, TableName=self.name, Key=self._key(key), ConsistentRead=True)
        found = (await self._run(call)).get("Item")
        item = self._decoded(found) if found else None
        return item if item and item["ttl"] > time.time() else None

    async def get_all(self, keys: Sequence[Key]) -> Sequence[Item]:
        """Those of the items that are there, as they are just now."""
        found: list[Item] = []
        for some in self._batches(dict.fromkeys(keys), self.MOST_READ):
            left: Any = {self.name: {"Keys": [self._key(it) for it in some], "ConsistentRead": True}}
            while left:
                answer = await self._run(partial(self._client.batch_get_item, RequestItems=left))
                found += map(self._decoded, answer["Responses"].get(self.name, ()))
                left = await self._later(answer.get("UnprocessedKeys"))
        return [it for it in found if it["ttl"] > time.time()]

    async def put(self, item: Item, condition: str = "", **values: Any) -> bool:
        """Save `item` in place of what is there; False where that does not fulfil the `condition`.

        In it `#name` is an attribute, and `:name` is of `values`. What a first attempt saved whose answer was lost
        is known by its `nonce`.
        """
        nonce = uuid4().hex
        given: dict[str, Any] = {"TableName": self.name, "Item": self._encoded({**item, "nonce": nonce})}
        if condition:
            given |= self._expression("ConditionExpression", condition, values)
            given["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            await self._run(partial(self._client.put_item, **given))
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return self._decoded(refused.response.get("Item", {})).get("nonce") == nonce
        return True

    async def delete(self, key: Key, condition: str = "", **values: Any) -> Item | None:
        """What was there and is deleted, if it fulfils the `condition`."""
        given: dict[str, Any] = {"TableName": self.name, "Key": self._key(key), "ReturnValues": "ALL_OLD"}
        if condition:
            given |= self._expression("ConditionExpression", condition, values)
        try:
            answer = await self._run(partial(self._client.delete_item, **given))
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return self._decoded(answer["Attributes"]) if "Attributes" in answer else None

    async def delete_all(self, keys: Iterable[Key]) -> None:
        """Delete items, whatever they are by now."""
        for some in self._batches(keys, self.MOST_WRITTEN):
            left: Any = {self.name: [{"DeleteRequest": {"Key": self._key(it)}} for it in some]}
            while left:
                answer = await self._run(partial(self._client.batch_write_item, RequestItems=left))
                left = await self._later(answer.get("UnprocessedItems"))

    async def query(
        self,
        partition: str,
        prefix: str = "",
        *,
        only: str = "",
        backwards: bool = False,
        limit: int | None = None,
        is_fresh: bool = True,
    ) -> AsyncIterator[Item]:
        """The items of a partition whose places begin with `prefix`, in their order; of each the names in `only`.

        Not `is_fresh`: those too that have expired and are not deleted yet.
        """
        where, values = "#PK = :pk", {"pk": partition}
        if prefix:
            where, values = f"{where} AND begins_with(#SK, :sk)", {**values, "sk": prefix}
        given = self._expression("KeyConditionExpression", where, values)
        given |= {"ScanIndexForward": not backwards, "ConsistentRead": True}
        if only:
            names = only.split()
            given["ProjectionExpression"] = ", ".join(f"#{it}" for it in names)
            given["ExpressionAttributeNames"] |= {f"#{it}": it for it in names}
        async for item in self._pages(given, limit, is_fresh=is_fresh):
            yield item

    async def by_time(self, kind: str, condition: str, moment: str, limit: int | None = None) -> AsyncIterator[Item]:
        """The items of a `kind` whose `at` compares so with `moment`, in the order of time."""
        where = f"#kind = :kind AND #at {condition} :moment"
        given = self._expression("KeyConditionExpression", where, {"kind": kind, "moment": moment})
        async for item in self._pages({**given, "IndexName": self.INDEX}, limit, is_fresh=True):
            yield item

    async def _pages(self, given: dict[str, Any], limit: int | None, *, is_fresh: bool) -> AsyncIterator[Item]:
        given |= {"TableName": self.name} | ({"Limit": limit} if limit else {})
        if is_fresh:
            given["FilterExpression"] = "#ttl > :now"
            given["ExpressionAttributeNames"] |= {"#ttl": "ttl"}
            given["ExpressionAttributeValues"] |= self._values({"now": time.time()})
        left = limit
        while True:
            answer = await self._run(partial(self._client.query, **given))
            for item in answer["Items"]:
                yield self._decoded(item)
                left = left and left - 1
                if left == 0:
                    return
            if "LastEvaluatedKey" not in answer:
                return
            given["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def _later(self, unprocessed: Any) -> Any:
        if unprocessed:
            await asyncio.sleep(self.UNPROCESSED_SECONDS)
        return unprocessed

    async def _run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    @classmethod
    def _expression(cls, name: str, text: str, values: Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {name: text}
        given["ExpressionAttributeNames"] = {f"#{it}": it for it in cls.NAME.findall(text)}
        return given | ({"ExpressionAttributeValues": cls._values(values)} if values else {})

    @classmethod
    def _values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {f":{it}": value for it, value in cls._encoded(values).items()}

    @staticmethod
    def _batches(keys: Iterable[Key], size: int) -> Iterator[Sequence[Key]]:
        left = iter(keys)
        while some := list(islice(left, size)):
            yield some

    @staticmethod
    def _key(key: Key) -> Mapping[str, Mapping[str, str]]:
        return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}

    @staticmethod
    def _encoded(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        kinds: Mapping[type, str] = {str: "S", bytes: "B", int: "N", float: "N"}
        typed = ((name, kinds[type(value)], value) for name, value in item.items() if value is not None)
        return {name: {kind: repr(value) if kind == "N" else value} for name, kind, value in typed}

    @classmethod
    def _decoded(cls, item: Mapping[str, Mapping[str, Any]]) -> Item:
        return dict(cls._plain(item))

    @staticmethod
    def _plain(item: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
        for name, typed in item.items():
            ((kind, value),) = typed.items()
            yield name, float(value) if kind == "N" else value
