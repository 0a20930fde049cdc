"""What every store promises, held against all of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from harness.errors import StoreUnavailable, ThreadBusy
from harness.run_context import RunContext
from harness.settings import Settings
from harness.storage.checkpoint_ids import CheckpointIds
from harness.storage.persistence import PersistenceStatus
from harness.storage.sqlite import Checkpoints
from harness.storage.store import IdempotencyRecord, Store
from harness.storage.thread_ref import ThreadRef


@contextmanager
def run_that_degrades() -> Iterator[PersistenceStatus]:
    """A run that goes on without the store when it fails."""
    status = PersistenceStatus()
    with RunContext.scope(persistence=status):
        yield status


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
    return IdempotencyRecord(key, thread_id, request="r", reply='{"answer": "é"}', expires_at=expires_at)


SOON = 4_000_000_000.0
"""In 2096, in seconds: not of the moment of the import, from which a long run is far away."""


@pytest.fixture
async def store(every_url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=every_url)) as store:
        assert store.kind == every_url.partition(":")[0]
        yield store


async def test_a_store_that_is_open_answers(store: Store) -> None:
    assert await store.is_healthy()


async def test_a_thread_is_forgotten_with_its_replies_and_the_others_stay(store: Store) -> None:
    for thread_id in ("t1", "t2"):
        await keep(store, thread_id)
        await store.save_reply(reply(f"key of {thread_id}", thread_id, SOON))
    await store.delete_thread("t1")
    assert not await knows(store, "t1")
    assert await store.find_reply("key of t1") is None
    assert await knows(store, "t2")
    assert await store.find_reply("key of t2") == reply("key of t2", "t2", SOON)


@pytest.mark.parametrize("step", ["_delete_records", "adelete_thread"])
async def test_a_deletion_that_breaks_off_can_be_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await keep(store, "t")
    await store.save_reply(reply("key", "t", SOON))

    async def broken(_: str) -> None:
        raise StoreUnavailable("planted")

    owner: object = store.saver if step == "adelete_thread" else store
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, broken)
        with pytest.raises(StoreUnavailable):
            await store.delete_thread("t")
    assert await knows(store, "t")
    await store.delete_thread("t")
    assert not await knows(store, "t")
    assert await store.find_reply("key") is None


async def test_a_reply_is_kept_until_its_time_is_over(store: Store) -> None:
    await store.save_reply(reply("past", "t", time.time() - 1))
    await store.save_reply(reply("soon", "t", SOON))
    assert await store.find_reply("past") is None
    assert await store.find_reply("soon") == reply("soon", "t", SOON)
    assert await store.find_reply("never") is None


async def test_a_reply_kept_again_replaces_the_first(store: Store) -> None:
    await store.save_reply(reply("key", "t1", SOON))
    await store.save_reply(reply("key", "t2", SOON))
    kept = await store.find_reply("key")
    assert kept is not None
    assert kept.thread_id == "t2"


async def test_a_call_that_was_proposed_is_claimed_by_one_of_any_number_that_try_at_once(store: Store) -> None:
    await store.propose(reply("key", "t", SOON))
    assert await store.proposals("t") == {"key": "r"}
    assert await store.find_reply("key") is None  # nothing is decided
    claims = [replace(reply("key", "t", SOON), request=f"decision {n}", reply="") for n in range(8)]
    taken = await asyncio.gather(*(store.claim(it, "r") for it in claims))
    assert sorted(taken) == [False] * 7 + [True]
    assert await store.find_reply("key") == claims[taken.index(True)]
    await store.propose(reply("key", "t", SOON))  # again, as a copy of its thread would
    assert await store.proposals("t") == {}
    assert not await store.claim(claims[0], "r")
    await store.save_reply(reply("key", "t", SOON))
    assert not await store.claim(claims[0], "r")


async def test_a_call_is_claimed_as_it_was_proposed_and_no_other(store: Store) -> None:
    claim = reply("key", "t", SOON)
    assert not await store.claim(claim, "r")
    await store.save_reply(reply("an answer", "t", SOON))
    assert not await store.claim(replace(claim, key="an answer"), "r")
    await store.propose(reply("late", "t", time.time() - 1))
    assert not await store.claim(replace(claim, key="late"), "r")
    await store.propose(claim)
    await store.propose(replace(claim, request="changed"))
    assert not await store.claim(claim, "changed")
    assert await store.claim(claim, "r")


async def test_what_a_deleted_thread_proposed_is_gone(store: Store) -> None:
    await store.propose(reply("key", "t", SOON))
    await store.delete_thread("t")
    assert not await store.claim(reply("key", "t", SOON), "r")


SHOP = ThreadRef("t_1", "a" * 32)


async def test_companions_are_deleted_with_their_thread(store: Store) -> None:
    near = ThreadRef("tx1", SHOP.owner)
    names = [SHOP.key, SHOP.companion("writer"), SHOP.companion("a b"), near.key, near.companion("writer")]
    for name in names:
        await keep(store, name)
    await store.delete_thread(SHOP.key)
    assert [await knows(store, it) for it in names] == [False] * 3 + [True] * 2
    await store.delete_thread(SHOP.key)
    await keep(store, SHOP.companion("left"))
    await store.delete_thread(SHOP.key)
    assert not await knows(store, SHOP.companion("left"))


async def test_companions_are_as_old_as_the_newest_of_them_and_purged_together(store: Store) -> None:
    now = datetime.now(UTC)
    first = CheckpointIds.first(now - timedelta(days=40))
    old = first + str(uuid6())[len(first) :]
    for thread_id in ("quiet", "busy"):
        await keep(store, thread_id, old)
        await keep(store, f"{thread_id} writer", old)
    await keep(store, "busy")
    await keep(store, "later", old)
    await keep(store, "later writer")
    await keep(store, "left alone", old)
    assert await store.purge_before(now - timedelta(days=30)) == 2
    names = ("quiet", "quiet writer", "left alone", "busy", "busy writer", "later", "later writer")
    assert [await knows(store, it) for it in names] == [False] * 3 + [True] * 4


async def test_memories_not_written_for_long_are_purged(store: Store) -> None:
    await store.memory("a").aput(("n",), "k", {"v": 1})
    await store.purge_before(datetime.now(UTC) - timedelta(days=1))
    assert await store.memory("a").aget(("n",), "k") is not None
    await store.purge_before(datetime.now(UTC) + timedelta(days=1))
    assert await store.memory("a").aget(("n",), "k") is None


async def test_threads_are_deleted_by_the_time_of_their_last_turn(store: Store) -> None:
    now = datetime.now(UTC)
    old, new = (CheckpointIds.first(now - timedelta(days=days)) for days in (40, 10))
    tail = str(uuid6())[len(old) :]
    await keep(store, "old", old + tail)
    await keep(store, "old-then-new", old + tail)
    await keep(store, "old-then-new", new + tail)
    await keep(store, "of-now")
    assert await store.purge_before(now - timedelta(days=30)) == 1
    known = {it: await knows(store, it) for it in ("old", "old-then-new", "of-now")}
    assert known == {"old": False, "old-then-new": True, "of-now": True}


async def test_many_old_threads_are_deleted_in_several_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "BATCH", 2)
    for number in range(5):
        await keep(store, f"t{number}")
    assert await store.purge_before(datetime.now(UTC) + timedelta(days=1)) == 5
    assert not await knows(store, "t4")


async def test_a_thread_whose_turn_runs_is_not_deleted(store: Store) -> None:
    await keep(store, "busy")
    await keep(store, "idle")
    async with store.lock(store.lock_name("busy"), 0):
        assert await store.purge_before(datetime.now(UTC) + timedelta(days=1)) == 1
    assert await knows(store, "busy")


async def test_a_name_is_held_by_one_at_a_time(store: Store) -> None:
    inside = most = 0

    async def hold() -> None:
        nonlocal inside, most
        async with store.lock("name", 10):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(8)))
    assert most == 1


async def test_names_do_not_hold_each_other_up(store: Store) -> None:
    async with AsyncExitStack() as held:
        for number in range(30):  # more than the pool has connections
            await held.enter_async_context(store.lock(f"name {number}", 0))
        with pytest.raises(ThreadBusy):
            await held.enter_async_context(store.lock("name 0", 0.01))


async def test_a_name_whose_holder_was_cancelled_is_free(store: Store) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with store.lock("name", 0):
            entered.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await entered.wait()
    holder.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holder
    async with store.lock("name", 0.5):
        assert holder.cancelled()


def test_ids_of_checkpoints_sort_by_their_time() -> None:
    before = CheckpointIds.first(datetime.now(UTC) - timedelta(seconds=5))
    after = CheckpointIds.first(datetime.now(UTC) + timedelta(seconds=5))
    assert before < str(uuid6()) < after
