"""The long-term memory of one owner, as a graph's `store`: nothing in it can name another owner's."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Final

import orjson
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchOp,
    validate_op_namespace,
)

from ..run_context import RunContext

Batch = Callable[[Sequence[Op]], Awaitable[list[Result]]]


class OwnerStore(BaseStore):
    """A view of a store of all owners: one label goes in front of every namespace, and off every result.

    Make it in the event loop; its synchronous methods are for other threads.
    """

    MAX_VALUE_BYTES: Final = 65_536
    """Of one value as JSON; guess: some pages of notes."""

    MAX_NAME_BYTES: Final = 512
    """Of a key, and of a namespace with its dots; an index of PostgreSQL holds 2,700; guess."""

    MAX_RESULTS: Final = 1_000
    """Items or namespaces that one search gives; bounds its memory, guess."""

    NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
    """In JSON. PostgreSQL cannot keep it."""

    def __init__(self, batch: Batch, label: str) -> None:
        """See what `batch` keeps below `label`."""
        self._batch = batch
        self._root = (label,)
        self._loop = asyncio.get_running_loop()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """The results of `ops`, for a thread that is not the event loop's."""
        return RunContext.wait_in(self._loop, self.abatch(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """The results of `ops`.

        Raises:
            ValueError: A namespace, key, filter or value cannot be kept; the text says which and why.
            StoreUnavailable: The store is away.
        """
        results = await self._batch([self._inside(op) for op in ops])
        return [self._outside(result) for result in results]

    def _inside(self, op: Op) -> Op:
        validate_op_namespace(op)
        match op:
            case GetOp():
                return op._replace(namespace=self._path(op.namespace), key=self._key(op.key))
            case PutOp():
                if not op.namespace:
                    raise ValueError("namespace: give at least one label")
                value = None if op.value is None else self._json("value", op.value)
                return op._replace(namespace=self._path(op.namespace), key=self._key(op.key), value=value, ttl=None)
            case SearchOp():
                path, found = self._path(op.namespace_prefix), self._json("filter", op.filter or {})
                return op._replace(namespace_prefix=path, filter=found, limit=self._limit(op.limit))
            case ListNamespacesOp():
                conditions = [MatchCondition("prefix", self._root)]
                for it in op.match_conditions or ():
                    path = self._path(it.path)
                    if it.match_type == "suffix":  # as long as the suffix, so that the label is no part of it
                        conditions.append(it)
                        path = (*self._root, *("*" for _ in it.path))
                    conditions.append(MatchCondition("prefix", path))
                depth = None if op.max_depth is None else op.max_depth + 1
                return op._replace(match_conditions=tuple(conditions), max_depth=depth, limit=self._limit(op.limit))
        raise ValueError(f"{type(op).__name__}: no operation of a store")

    def _outside(self, result: Any) -> Any:
        if isinstance(result, list):
            return [self._outside(it) for it in result]
        if isinstance(result, tuple):
            return result[1:]
        if isinstance(result, Item):
            result = copy(result)
            result.namespace = result.namespace[1:]
        return result

    def _path(self, labels: Sequence[str]) -> tuple[str, ...]:
        self._text("namespace", ".".join(labels))
        return (*self._root, *labels)

    def _key(self, key: str) -> str:
        if not key:
            raise ValueError("key: give one")
        return self._text("key", key)

    @classmethod
    def _text(cls, name: str, text: str) -> str:
        size = len(text.encode(errors="surrogatepass"))
        if size > cls.MAX_NAME_BYTES:
            raise ValueError(f"{name}: {size} bytes are more than {cls.MAX_NAME_BYTES}; take a shorter one")
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise ValueError(f"{name}: it holds NUL or half a character; leave it out")
        return text

    @classmethod
    def _json(cls, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of `value` as every store gives it back."""
        try:
            text = orjson.dumps(dict(value))
        except TypeError as error:
            raise ValueError(f"{name}: no JSON ({error})") from None
        if len(text) > cls.MAX_VALUE_BYTES:
            raise ValueError(f"{name}: {len(text)} bytes are more than {cls.MAX_VALUE_BYTES}; keep less in one item")
        if cls.NUL.search(text):
            raise ValueError(f"{name}: it holds NUL; leave it out")
        kept: dict[str, Any] = orjson.loads(text)
        return kept

    @classmethod
    def _limit(cls, limit: int) -> int:
        return min(max(limit, 0), cls.MAX_RESULTS)
