"""What the tests of the stores share."""

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint

from harness.storage.store import IdempotencyRecord, Store


def of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}


async def keep(store: Store, thread_id: str, checkpoint_id: str | None = None) -> None:
    """A checkpoint in a thread, by default one of now."""
    checkpoint: Checkpoint = empty_checkpoint()
    if checkpoint_id:
        checkpoint["id"] = checkpoint_id
    await store.saver.aput(of(thread_id), checkpoint, {}, {})


async def knows(store: Store, thread_id: str) -> bool:
    return await store.saver.aget_tuple(of(thread_id)) is not None


def reply(key: str, thread_id: str, expires_at: float) -> IdempotencyRecord:
    return IdempotencyRecord(
        key, thread_id, request="r", reply='{"answer": "é"}', expires_at=expires_at
    )
