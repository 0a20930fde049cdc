"""What an endpoint keeps of a conversation, on each kind of store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.settings import Settings
from harness.storage.records import Record
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Store

TASK = Record("a2a", "ana", "k1", "ana:t1", '{"state": "working"}')


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Checkpoints.open(Settings(database_url=url)) as store:
        yield store


async def test_a_record_is_its_owners_and_its_endpoints(store: Store) -> None:
    saved = await store.records.save(TASK)
    assert saved == await store.records.find("a2a", "ana", "k1")
    assert saved
    assert (saved.version, saved.value) == (1, TASK.value)
    assert await store.records.find("a2a", "eve", "k1") is None
    assert await store.records.find("agui", "ana", "k1") is None
    other = await store.records.save(replace(TASK, owner="eve", thread_id="eve:t1"))
    assert other
    assert other.version == 1


async def test_of_two_changes_of_one_version_one_is_saved(store: Store) -> None:
    saved = await store.records.save(TASK)
    assert saved
    done = await store.records.save(replace(saved, value='{"state": "canceled"}'))
    assert done
    assert done.version == 2
    assert await store.records.save(replace(saved, value='{"state": "completed"}')) is None
    assert await store.records.save(TASK) is None
    assert await store.records.find("a2a", "ana", "k1") == done


async def test_records_are_listed_newest_first(store: Store) -> None:
    for key in ("k1", "k2", "k3"):
        await store.records.save(replace(TASK, key=key))
    newest = await store.records.list("a2a", "ana", 2)
    assert [it.key for it in newest] == ["k3", "k2"]
    assert [it.key for it in await store.records.list("a2a", "ana", 2, newest[-1].updated_at)] == ["k1"]


async def test_a_deleted_thread_leaves_no_record_and_none_comes_back(store: Store) -> None:
    saved = await store.records.save(TASK)
    kept = await store.records.save(replace(TASK, key="k2", thread_id="ana:t2"))
    await store.delete_thread("ana:t1")
    assert saved
    assert await store.records.save(saved) is None
    assert await store.records.list("a2a", "ana", 9) == [kept]
    await store.records.delete("a2a", "ana", "k2")
    assert await store.records.find("a2a", "ana", "k2") is None


async def test_retention_deletes_records_without_a_thread(store: Store) -> None:
    await store.records.save(TASK)
    await store.purge_before(datetime.now(UTC) - timedelta(minutes=1))
    assert await store.records.find("a2a", "ana", "k1")
    await store.purge_before(datetime.now(UTC) + timedelta(minutes=1))
    assert await store.records.find("a2a", "ana", "k1") is None
