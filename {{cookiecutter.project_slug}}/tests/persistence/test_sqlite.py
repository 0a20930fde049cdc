from pathlib import Path

import pytest

from app.errors import Misconfigured, StoreUnavailable
from app.persistence.saving import Saving
from app.persistence.sqlite import SqliteStore
from tests.persistence.stores import keep, knows


def store_in(path: Path) -> SqliteStore:
    return SqliteStore(path, patience_seconds=5)


async def test_threads_outlive_a_restart_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "threads.sqlite"
    async with store_in(path) as store:
        await keep(store, "t1")
    async with store_in(path) as store:
        assert await knows(store, "t1")
        assert not await knows(store, "t2")


async def test_readers_do_not_wait_for_a_writer_nor_a_commit_for_the_disk(tmp_path: Path) -> None:
    async with store_in(tmp_path / "threads.sqlite") as store:
        assert await store._rows("PRAGMA journal_mode") == [("wal",)]
        assert await store._rows("PRAGMA synchronous") == [(1,)]  # NORMAL


@pytest.mark.parametrize("path", ["", "file/threads.sqlite", "text"])
async def test_a_path_that_cannot_be_opened_is_refused_by_the_settings_name(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(Misconfigured, match="DATABASE_URL: cannot open") as refused:
        async with store_in(tmp_path / path):
            pytest.fail("opened")
    assert len(refused.value.problems) == 1


async def test_a_store_that_is_gone_does_not_answer_and_a_turn_goes_on(tmp_path: Path) -> None:
    async with store_in(tmp_path / "threads.sqlite") as store:
        assert await store.answers()
        await store.saver.conn.execute("DROP TABLE checkpoints")
        assert not await store.answers()
        with pytest.raises(StoreUnavailable):
            await knows(store, "t1")
        with Saving.begin() as saving:
            assert not await knows(store, "t1")
            assert saving.is_lost
    assert not await store.answers()
