from pathlib import Path

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from app.errors import Misconfigured
from app.persistence.checkpoints import Checkpoints


def of(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}


async def keep(checkpoints: Checkpoints, thread_id: str) -> None:
    await checkpoints.saver.aput(of(thread_id), empty_checkpoint(), {}, {})


async def knows(checkpoints: Checkpoints, thread_id: str) -> bool:
    return await checkpoints.saver.aget_tuple(of(thread_id)) is not None


async def test_sqlite_keeps_threads_over_a_restart_in_a_folder_that_it_makes(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/deep/down/threads.sqlite"
    async with Checkpoints(url) as checkpoints:
        assert checkpoints.kind == "sqlite"
        await keep(checkpoints, "t1")
    async with Checkpoints(url) as checkpoints:
        assert await knows(checkpoints, "t1")
        assert not await knows(checkpoints, "t2")


async def test_memory_forgets_threads_at_the_end() -> None:
    async with Checkpoints("memory://") as checkpoints:
        assert checkpoints.kind == "memory"
        assert await checkpoints.answers()
        await keep(checkpoints, "t1")
        assert await knows(checkpoints, "t1")
    async with Checkpoints("memory://") as checkpoints:
        assert not await knows(checkpoints, "t1")


async def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    async with Checkpoints(f"sqlite:///{tmp_path}/threads.sqlite") as checkpoints:
        cursor = await checkpoints.saver.conn.execute("PRAGMA journal_mode")  # type: ignore[attr-defined]  # SQLite only
        assert await cursor.fetchone() == ("wal",)


@pytest.mark.parametrize("path", ["", "file/threads.sqlite", "text"])
async def test_a_path_that_cannot_be_opened_is_refused_by_the_settings_name(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(Misconfigured, match="DATABASE_URL: cannot open") as refused:
        async with Checkpoints(f"sqlite:///{tmp_path / path}"):
            pytest.fail("opened")
    assert len(refused.value.problems) == 1


async def test_a_store_that_is_gone_does_not_answer(tmp_path: Path) -> None:
    async with Checkpoints(f"sqlite:///{tmp_path}/threads.sqlite") as checkpoints:
        assert await checkpoints.answers()
        await checkpoints.saver.conn.execute("DROP TABLE checkpoints")  # type: ignore[attr-defined]  # SQLite only
        assert not await checkpoints.answers()
    assert not await checkpoints.answers()
