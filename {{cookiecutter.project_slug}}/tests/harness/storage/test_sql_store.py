import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from harness.settings import Settings
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Feedback, Store
from tests.harness.storage.test_store import of

NOW = time.time()

pytestmark = pytest.mark.checklist("OBS-6")


@pytest.fixture
async def store(every_url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=every_url, database_timeout_seconds=30)) as store:
        yield store


async def run(store: Store, run_id: str, thread_id: str) -> Feedback:
    """A run that was saved, and a rating of it."""
    config = of(thread_id)
    config["metadata"] = {"run_id": run_id}
    await store.saver.aput(config, empty_checkpoint(), {}, {})
    return Feedback(run_id, thread_id, "up", "fine ñ", NOW)


async def since(store: Store, moment: float) -> list[Feedback]:
    return [it async for it in store.feedback_since(moment)]


async def test_a_run_is_found_in_its_thread(store: Store) -> None:
    await run(store, "r1", "t1")
    await run(store, "r2", "t2")
    await run(store, "r3", "t1")
    found = [await store.find_thread(it) for it in ("r1", "r2", "r3", "r4")]
    assert found == ["t1", "t2", "t1", None]


async def test_a_run_in_a_companion_is_its_thread_s(store: Store) -> None:
    feedback = await run(store, "r1", "t1")
    await run(store, "r2", "t1 writer")
    assert await store.find_thread("r2") == "t1"
    assert await store.save_feedback(replace(feedback, run_id="r2"))


async def test_the_last_rating_of_a_run_counts(store: Store) -> None:
    first = await run(store, "r1", "t1")
    last = replace(first, rating="1", comment=None, given_at=NOW + 1)
    assert await store.save_feedback(first)
    assert await store.save_feedback(last)
    assert await since(store, 0) == [last]


async def test_ratings_come_in_the_order_in_which_they_were_given(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "BATCH", 2)
    given = [replace(await run(store, f"r{n}", "t1"), given_at=NOW - n // 2) for n in range(5)]
    for feedback in given:
        assert await store.save_feedback(feedback)
    assert [it.run_id for it in await since(store, 0)] == ["r4", "r2", "r3", "r0", "r1"]
    assert [it.run_id for it in await since(store, NOW - 1)] == ["r2", "r3", "r0", "r1"]
    assert await since(store, NOW + 1) == []


async def test_ratings_are_deleted_with_their_thread_and_by_retention(store: Store) -> None:
    for thread_id in ("t1", "t2"):
        assert await store.save_feedback(await run(store, f"r of {thread_id}", thread_id))
    await store.delete_thread("t1")
    assert [it.thread_id for it in await since(store, 0)] == ["t2"]
    assert await store.purge_before(datetime.now(UTC) + timedelta(days=1)) == 1
    assert await since(store, 0) == []


async def test_a_thread_that_was_deleted_meanwhile_gets_no_rating(store: Store) -> None:
    feedback = await run(store, "r1", "t1")
    await store.delete_thread("t1")
    assert not await store.save_feedback(feedback)
    assert await since(store, 0) == []
