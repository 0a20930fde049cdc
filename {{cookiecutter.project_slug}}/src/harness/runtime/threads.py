"""A conversation as its owner reads it, and how it is deleted."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..errors import ThreadUnknown
from ..settings import Settings
from ..storage.store import Store
from ..storage.thread_ref import ThreadRef
from .approvals import Approvals
from .reply import ApprovalRequest
from .state import Turn


class Message(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    role: Literal["assistant", "user"]
    text: str
    agents: list[str] = []
    """Who worked on an answer; empty for a question."""


class Thread(BaseModel):
    """What the service remembers of a conversation."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    thread_id: str
    updated_at: str
    """When its last turn ended, ISO 8601."""
    messages: list[Message]
    """The latest exchanges, oldest first; HISTORY_TURNS says how many are remembered."""
    approvals: list[ApprovalRequest] = []
    """What waits for a person's decision."""


class Threads:
    """The conversations of a store."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._wait_seconds = settings.turn_wait_seconds
        self._store = store
        self._approvals = Approvals(store)

    async def read(self, conversation: ThreadRef) -> Thread:
        """A conversation.

        Raises:
            ThreadUnknown: Its owner has none of this name.
            StoreUnavailable: The store is away.
        """
        found = await self._store.saver.aget_tuple(
            {"configurable": {"thread_id": conversation.key}}
        )
        if found is None:
            raise ThreadUnknown(conversation.thread_id)
        history: list[Turn] = found.checkpoint["channel_values"].get("history", [])
        messages = []
        for exchange in history:
            messages.append(Message(role="user", text=exchange["question"]))
            messages.append(
                Message(role="assistant", text=exchange["answer"], agents=exchange["agents"])
            )
        updated_at = found.checkpoint["ts"]
        waiting = await self._approvals.open(conversation, found)
        return Thread(
            thread_id=conversation.thread_id,
            updated_at=updated_at,
            messages=messages,
            approvals=[ApprovalRequest.from_call(call) for call in waiting],
        )

    async def delete(self, conversation: ThreadRef) -> None:
        """Delete a conversation and everything kept of it, when the turn that runs is over.

        Raises:
            ThreadUnknown: Its owner has none of this name.
            ThreadBusy: A turn takes too long.
            StoreUnavailable: The store is away.
        """
        async with self._store.lock(Store.name_of(conversation.key), self._wait_seconds):
            await self.read(conversation)
            await self._store.delete_thread(conversation.key)
