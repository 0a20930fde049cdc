"""Conversations on their way to another store: what lasts of one is what was said, not a run's checkpoints."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, CheckpointMetadata, empty_checkpoint
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ..settings import Settings
from ..storage.checkpoint_ids import CheckpointIds
from ..storage.store import Store
from ..storage.thread_ref import ThreadRef
from .proposals import Proposals
from .state import Turn

Outcome = Literal["imported", "unchanged", "refused"]


class MovedThread(BaseModel):
    """One conversation as a line of JSON. Personal data in it is masked as it was when it was said."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    version: Literal[1]
    """Of this form."""

    owner: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")]
    """`Principal.id`; empty: of callers without a name."""

    thread_id: Annotated[str, Field(pattern=ThreadRef.FORM)]
    updated_at: AwareDatetime
    """When its last turn ended; retention counts from then, wherever it is."""

    history: Annotated[list[Turn], Field(min_length=1)]
    """The turns that are remembered, oldest first."""

    waiting: Annotated[int, Field(ge=0)] = 0
    """Calls that waited for approval. They are not moved: what may be claimed is known to one store."""

    @property
    def ref(self) -> ThreadRef:
        """Its name."""
        return ThreadRef(self.thread_id, self.owner)


class Conversations:
    """All conversations of a store, whichever it is: it lists them by `threads`, and has the rest by its checkpoints."""

    METADATA: ClassVar = CheckpointMetadata(source="update", step=-1, parents={})

    def __init__(self, store: Store, settings: Settings) -> None:
        """Wait for a turn under way as long as another turn would."""
        self._store = store
        self._wait_seconds = settings.turn_wait_seconds

    async def all(self) -> AsyncIterator[MovedThread]:
        """Each in which something was said."""
        async for key in self._store.threads():
            if thread := await self.find(ThreadRef.from_key(key)):
                yield thread

    async def find(self, thread: ThreadRef) -> MovedThread | None:
        """One as its last checkpoint has it; None where nothing was said in it."""
        saved = await self._store.saver.aget_tuple({"configurable": {"thread_id": thread.key}})
        if saved is None or not (history := saved.checkpoint["channel_values"].get("history")):
            return None
        return MovedThread.model_construct(  # what is ours already is left as it is
            version=1,
            owner=thread.owner,
            thread_id=thread.thread_id,
            updated_at=datetime.fromisoformat(saved.checkpoint["ts"]),
            history=history,
            waiting=len(await Proposals(self._store).open(thread, saved)),
        )

    async def take(self, thread: MovedThread, *, overwrites: bool) -> Outcome:
        """Write it, unless the same is there; where something else is, only if told so.

        Raises:
            ThreadBusy: A turn of it takes too long.
            StoreUnavailable: The store is away.
        """
        async with self._store.lock(Store.lock_name(thread.ref.key), self._wait_seconds):
            before = await self.find(thread.ref)
            if before and before.history == thread.history:
                return "unchanged"
            if before and not overwrites:
                return "refused"
            await self._write(thread)
            return "imported"

    async def _write(self, thread: MovedThread) -> None:
        """As a checkpoint of then, with the history alone: that is all a run reads of the one before."""
        key, saver = thread.ref.key, self._store.saver
        if await saver.aget_tuple({"configurable": {"thread_id": key}}):
            await self._store.delete_thread(key)
        moment = min(thread.updated_at.astimezone(UTC), datetime.now(UTC))
        versions: ChannelVersions = {"history": saver.get_next_version(None, None)}
        checkpoint = empty_checkpoint()
        checkpoint |= {
            "id": CheckpointIds.at(moment),
            "ts": moment.isoformat(),
            "channel_values": {"history": thread.history},
            "channel_versions": versions,
        }
        config = RunnableConfig(configurable={"thread_id": key, "checkpoint_ns": ""})
        await saver.aput(config, checkpoint, self.METADATA, versions)
