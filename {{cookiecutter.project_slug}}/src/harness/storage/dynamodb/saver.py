"""A graph's checkpoints in the table: packed, and in pieces where one item could not hold them."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.memory import InMemorySaver

from ..persistence import LoopCheckpointer
from ..thread_ref import ThreadRef
from .places import Lifetime, Places
from .table import Item, Table


class DynamoSaver(BaseCheckpointSaver[str]):
    """Checkpoints, by their conversation.

    Not langgraph-checkpoint-aws's (1.2): its items hold 400 kB at most, it reads what has expired, saves a checkpoint's
    head before what it stands for, and finds no thread by a run or by its age.
    """

    table: Table
    lifetime: Lifetime

    PIECE_BYTES: Final = 350_000
    """Of one item, of which DynamoDB takes 400 kB with all its names."""

    SHIFT: Final = 10
    """Added to the numbers of writes, some of which are below 0, so that their texts sort as they do."""

    def get_next_version(self, current: str | None, channel: None) -> str:
        """A version of a channel, as LangGraph's own savers write it: threads may move between them."""
        return InMemorySaver.get_next_version(self, current, channel)  # type: ignore[arg-type]  # it asks nothing of itself

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save the checkpoint: its marks and pieces first, itself last. It ages from its own time, wherever that was."""
        named = config["configurable"]
        places, namespace = Places(named["thread_id"]), named.get("checkpoint_ns", "")
        about = get_checkpoint_metadata(config, metadata)
        run = about.get("run_id")
        end = self.lifetime.end(datetime.fromisoformat(checkpoint["ts"]).timestamp())
        marks: list[Coroutine[Any, Any, object]] = [self._mark(places, checkpoint["id"], end)]
        if run:
            thread = ThreadRef.root(named["thread_id"])
            marks.append(self.table.put({"PK": f"run#{run}", "SK": "run", "thread": thread, "ttl": end}))
        place = places.checkpoints(namespace) + checkpoint["id"]
        head = {"id": checkpoint["id"], "parent": named.get("checkpoint_id"), "run": run}
        await asyncio.gather(*marks)
        await self._save(places.partition, place, (checkpoint, about), {**head, "ttl": end})
        return {"configurable": {**named, "checkpoint_ns": namespace, "checkpoint_id": checkpoint["id"]}}

    async def _mark(self, places: Places, checkpoint_id: str, end: int) -> None:
        """Write down how old the thread is, and that there is this companion."""
        root = Places(ThreadRef.root(places.thread_id))
        mark = {"PK": root.partition, "SK": root.mark, "kind": "thread", "at": checkpoint_id, "ttl": end}
        await self.table.put(mark, "attribute_not_exists(#PK) OR #at < :at", at=checkpoint_id)
        if places.companion:
            await self.table.put({"PK": places.partition, "SK": places.mark, "ttl": end})

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a step wrote; what there is of it already stays, but for its state."""
        named = config["configurable"]
        places = Places(named["thread_id"])
        before = places.writes(named.get("checkpoint_ns", ""), named["checkpoint_id"])
        condition = "" if all(it in WRITES_IDX_MAP for it, _ in writes) else "attribute_not_exists(#PK)"
        saves = []
        for number, (channel, value) in enumerate(writes):
            place = f"{before}{task_id}#{WRITES_IDX_MAP.get(channel, number) + self.SHIFT:06}"
            head = {"task": task_id, "channel": channel, "ttl": self.lifetime.end()}
            saves.append(self._save(places.partition, place, value, head, condition))
        await asyncio.gather(*saves)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint with an id, or the newest; None also where it is only half there."""
        named = config["configurable"]
        places, namespace = Places(named["thread_id"]), named.get("checkpoint_ns", "")
        prefix = places.checkpoints(namespace)
        if wanted := named.get("checkpoint_id"):
            head = await self.table.get((places.partition, prefix + wanted))
        else:
            newest = self.table.query(places.partition, prefix, backwards=True, limit=1)
            head = await anext(newest, None)
        return await self._tuple(places, namespace, head) if head else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # its name in the base
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints of one thread in a namespace, newest first.

        Raises:
            ValueError: No thread is named: nobody reads the checkpoints of all.
        """
        if config is None:
            raise ValueError("config: name a thread")
        named = config["configurable"]
        places, namespace = Places(named["thread_id"]), named.get("checkpoint_ns", "")
        last = (before or {}).get("configurable", {}).get("checkpoint_id")
        given = 0
        async for head in self.table.query(places.partition, places.checkpoints(namespace), backwards=True):
            if given == limit:
                return
            if last and head["id"] >= last:
                continue
            found = await self._tuple(places, namespace, head)
            if found and (filter or {}).items() <= dict(found.metadata).items():
                given += 1
                yield found

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all that was saved of a thread, or of one companion; its mark last."""
        places = Places(thread_id)
        runs: dict[str, str | None] = {}
        async for it in self.table.query(places.partition, Places.GRAPH, only="SK run", is_fresh=False):
            runs[it["SK"]] = it.get("run")
        order = places.in_order_of_deletion(runs)
        await self.table.delete_all(dict.fromkeys((f"run#{runs[it]}", "run") for it in order if runs[it]))
        await self.table.delete_all((places.partition, it) for it in order)
        await self.table.delete((places.partition, places.mark))

    async def _save(self, partition: str, place: str, value: Any, head: Item, condition: str = "") -> None:
        form, data = self.serde.dumps_typed(value)
        packed = zlib.compress(data, 1)
        pieces = [packed[at : at + self.PIECE_BYTES] for at in range(0, len(packed), self.PIECE_BYTES)]
        common = {"PK": partition, "ttl": head["ttl"]}
        more = f"{Places.pieces(place)}#{uuid4().hex}#"  # of this one alone, should another be saved at this place
        puts = [
            self.table.put({**common, "SK": f"{more}{number:05}", "data": piece})
            for number, piece in enumerate(pieces[1:])
        ]
        await asyncio.gather(*puts)
        item = {**common, **head, "SK": place, "form": form, "data": pieces[0], "more": more if puts else None}
        await self.table.put({**item, "pieces": len(pieces)}, condition)

    async def _value(self, head: Item) -> Any:
        """What was saved; raises LookupError where some of it is gone."""
        pieces = [head["data"]]
        if more := head.get("more"):
            pieces += [it["data"] async for it in self.table.query(head["PK"], more)]
        if len(pieces) != head["pieces"]:
            raise LookupError
        return self.serde.loads_typed((head["form"], zlib.decompress(b"".join(pieces))))

    async def _tuple(self, places: Places, namespace: str, head: Item) -> CheckpointTuple | None:
        def config(checkpoint_id: str) -> RunnableConfig:
            named = {"thread_id": places.thread_id, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
            return {"configurable": named}

        try:
            checkpoint, metadata = await self._value(head)
            written = self.table.query(head["PK"], places.writes(namespace, head["id"]))
            writes = [(it["task"], it["channel"], await self._value(it)) async for it in written]
        except LookupError:
            return None
        parent = config(head["parent"]) if head.get("parent") else None
        return CheckpointTuple(config(head["id"]), checkpoint, metadata, parent, writes)


class Saver(LoopCheckpointer, DynamoSaver):
    """The same, whose failures degrade the run instead of failing it."""
