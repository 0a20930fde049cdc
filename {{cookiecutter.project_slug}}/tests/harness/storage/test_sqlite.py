import asyncio
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import ConfigurationError, StoreUnavailable
from harness.storage.records import Record
from harness.storage.sqlite import SqliteStore
from tests.harness.storage.test_store import keep, knows, run_that_degrades


def store_in(path: Path, timeout_seconds: float = 5) -> SqliteStore:
    return SqliteStore(path, timeout_seconds)


async def test_threads_outlive_a_restart_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "threads.sqlite"
    async with store_in(path) as store:
        await keep(store, "t1")
    async with store_in(path) as store:
        assert await knows(store, "t1")
        assert not await knows(store, "t2")


async def test_readers_do_not_wait_for_a_writer_nor_a_commit_for_the_disk(tmp_path: Path) -> None:
    async with store_in(tmp_path / "threads.sqlite") as store:
        assert await store._execute([("PRAGMA journal_mode", ())]) == [("wal",)]
        assert await store._execute([("PRAGMA synchronous", ())]) == [(1,)]  # NORMAL


@pytest.mark.parametrize("path", ["", "file/threads.sqlite", "text"])
async def test_a_path_that_cannot_be_opened_is_refused_by_the_settings_name(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match="DATABASE_URL: cannot open") as refused:
        async with store_in(tmp_path / path):
            pytest.fail("opened")
    assert len(refused.value.problems) == 1


async def test_a_store_that_is_gone_does_not_answer_and_a_turn_goes_on(tmp_path: Path) -> None:
    async with store_in(tmp_path / "threads.sqlite") as store:
        assert await store.is_healthy()
        await store._execute([("DROP TABLE checkpoints", ())])
        assert not await store.is_healthy()
        with pytest.raises(StoreUnavailable):
            await knows(store, "t1")
        with run_that_degrades() as saving:
            assert not await knows(store, "t1")
            assert saving.failed
    assert not await store.is_healthy()


async def test_two_stores_share_a_file_and_list_what_the_other_wrote(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    async with store_in(path) as one, store_in(path) as other:
        await keep(one, "t1")
        await keep(other, "t2")
        found = [kept async for kept in one.saver.alist(None)]
        assert {kept.config["configurable"]["thread_id"] for kept in found} == {"t1", "t2"}
        assert len([kept async for kept in one.saver.alist(None, limit=1)]) == 1
        await other.delete_thread("t1")
        assert not await knows(one, "t1")


async def test_a_file_that_another_process_locks_costs_the_turn_its_memory(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    async with store_in(path, timeout_seconds=0.1) as store:
        foreign = sqlite3.connect(path)
        foreign.execute("BEGIN IMMEDIATE")
        with run_that_degrades() as saving:
            assert not await knows(store, "t1")  # readers do not wait
            await keep(store, "t1")
            assert saving.failed
        foreign.close()
        await keep(store, "t2")
        assert await knows(store, "t2")


async def test_a_call_that_is_cancelled_has_happened_whole_or_not_at_all(tmp_path: Path) -> None:
    async with store_in(tmp_path / "threads.sqlite") as store:
        begun, goes_on = threading.Event(), threading.Event()

        def block() -> None:
            begun.set()
            goes_on.wait(5)

        running = asyncio.create_task(store._thread.run(block))
        await asyncio.to_thread(begun.wait, 5)
        waiting = asyncio.create_task(keep(store, "t1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in (waiting, running):
            task.cancel()
        await asyncio.wait([waiting, running])
        goes_on.set()
        assert waiting.cancelled()
        assert not await knows(store, "t1")
        await keep(store, "t2")
        assert await knows(store, "t2")


async def test_a_file_that_only_lets_us_read_is_told(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "threads", 5) as store:
        assert await store.is_healthy()
        await store._thread.run(store.saver.conn.execute, "PRAGMA query_only = on")
        assert not await store.is_healthy()
        with run_that_degrades() as status:
            await keep(store, "t")
            assert status.failed
        await store._thread.run(store.saver.conn.execute, "PRAGMA query_only = off")
        assert await store.is_healthy()


def files_with(word: bytes, folder: Path) -> list[str]:
    return [it.name for it in folder.iterdir() if word in it.read_bytes()]


@pytest.mark.parametrize("way", ["deleted", "old"])
async def test_a_deleted_thread_leaves_no_word_in_the_files(tmp_path: Path, way: str) -> None:
    async with SqliteStore(tmp_path / "threads.sqlite", timeout_seconds=5) as store:
        await keep(store, "t1", "0-zanzibarine")
        await store.records.save(Record("a2a", "", "k1", "t1", '"zanzibarine"'))
        assert files_with(b"zanzibarine", tmp_path) == ["threads.sqlite-wal"]
        if way == "deleted":
            await store.delete_thread("t1")
        else:
            await store.purge_before(datetime.now(UTC) + timedelta(minutes=1))
        assert files_with(b"zanzibarine", tmp_path) == []
