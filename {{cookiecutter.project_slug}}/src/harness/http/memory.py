"""`/v1/memory`: what agents remember of the caller beyond a conversation, to read and to delete."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Self

import orjson
from fastapi import APIRouter, Query
from langgraph.store.base import Item
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..errors import InputRefused
from ..storage.memories import START, Place
from .chat import ENDPOINT, Reader
from .problems import Problem
from .routes import StrictRoute
from .state import Running


class MemoryItem(BaseModel):
    """One thing that is remembered."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    namespace: list[str]
    key: str
    value: dict[str, Any]
    updated_at: str
    """When it was last written, ISO 8601."""

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """`item` as its owner sees it."""
        updated_at = item.updated_at.isoformat(timespec="seconds")
        return cls(namespace=list(item.namespace), key=item.key, value=item.value, updated_at=updated_at)


class MemoryPage(BaseModel):
    """Some of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    items: list[MemoryItem]
    next: str | None = None
    """Send it as `after` for the next page; null on the last one."""


class Cursor:
    """A place among the items, as a caller holds it."""

    PLACE: ClassVar = TypeAdapter(Place)

    @classmethod
    def text(cls, item: Item) -> str:
        """The place of `item`."""
        return urlsafe_b64encode(orjson.dumps((item.namespace, item.key))).decode()

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that `text` names.

        Raises:
            InputRefused: It is no cursor of ours.
        """
        try:
            place: Place = cls.PLACE.validate_json(urlsafe_b64decode(text))
        except (ValueError, ValidationError):
            raise InputRefused("after", "send the `next` of a page as it is") from None
        if "\0" in "".join((*place[0], place[1])):
            raise InputRefused("after", "send the `next` of a page as it is")
        return place


class MemoryRoutes:
    """Reading and deleting what is remembered."""

    router: ClassVar = APIRouter(prefix="/v1/memory", tags=["memory"], route_class=StrictRoute)

    MAX_CURSOR_CHARS: ClassVar = 4096
    """A namespace and a key, encoded; a guess."""

    MAX_ITEMS: ClassVar = 100
    """Of one page, 65,536 bytes each at most (`OwnerStore.MAX_VALUE_BYTES`)."""

    @staticmethod
    @router.get("", responses=Problem.responses(401, 403, 422, 429, 500, 503))
    async def read(
        caller: Reader,
        running: Running,
        limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = MAX_ITEMS,
        after: Annotated[
            str | None, Query(max_length=MAX_CURSOR_CHARS, description="`next` of the page before.")
        ] = None,
    ) -> MemoryPage:
        """What agents remember of you beyond a conversation, a page at a time.

        Callers without a name are one: where AUTHENTICATION is off, they share it.
        """
        place = Cursor.parse(after) if after else START
        found = await running.gateway(ENDPOINT).memories(caller, "reads").page(caller.id, place, limit + 1)
        shown = found[:limit]
        last = Cursor.text(shown[-1]) if len(found) > limit else None
        return MemoryPage(items=[MemoryItem.from_item(it) for it in shown], next=last)

    @staticmethod
    @router.delete("", status_code=HTTPStatus.NO_CONTENT, responses=Problem.responses(401, 403, 429, 500, 503))
    async def delete(caller: Reader, running: Running) -> None:
        """Delete all that agents remember of you beyond a conversation, for good."""
        await running.gateway(ENDPOINT).memories(caller, "writes").delete(caller.id)
