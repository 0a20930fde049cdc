"""Threads in one SQLite file: no server."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.sqlite import SqliteSaver

from ..errors import ConfigurationError, StoreUnavailable
from .feedback import SQLFeedback
from .saving import DegradingCheckpointer, StoreTimeout
from .store import IdempotencyRecord, Store

REPLIES = """
CREATE TABLE IF NOT EXISTS kept_replies (
    key TEXT PRIMARY KEY,
    thread_id TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    kept_until REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS kept_replies_thread ON kept_replies (thread_id);
CREATE INDEX IF NOT EXISTS kept_replies_until ON kept_replies (kept_until);
"""


T = TypeVar("T")


class SingleThreadExecutor:
    """The one thread that uses the file. What it is asked for it does whole and in order.

    A caller that goes away meanwhile cancels what has not begun; what has begun is finished.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._is_over = False

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work` gives.

        Raises:
            ValueError: The thread has ended.
        """
        if self._is_over:
            raise ValueError("the store is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, work, *arguments)

    def close(self) -> None:
        """Take nothing more; what it was asked for before is still done."""
        self._is_over = True
        self._executor.shutdown(wait=False)


class _ThreadSaver(SqliteSaver):
    """LangGraph's synchronous saver in `thread`: one jump a call.

    Its asynchronous one (langgraph-checkpoint-sqlite 3.1) jumps for each statement, cursor and
    commit: seven times a turn instead of two.
    """

    thread: SingleThreadExecutor

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self.thread.run(self.get_tuple, config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await self.thread.run(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await self.thread.run(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        await self.thread.run(self.delete_thread, thread_id)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # the name of the base's argument
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        def read() -> list[CheckpointTuple]:
            return list(self.list(config, filter=filter, before=before, limit=limit))

        for found in await self.thread.run(read):
            yield found


class _Saver(DegradingCheckpointer, _ThreadSaver):
    """A saver whose failures cost the turn's memory and not its answer."""


class SqliteStore(SQLFeedback, Store):
    """Keeps threads in a file, over one connection that one thread uses."""

    kind = "sqlite"

    MARK = "?"
    RUN = "json_extract(CAST(metadata AS TEXT), '$.run_id')"

    AWAY = (sqlite3.Error, ValueError)
    """What a file that cannot be used raises; ValueError: the connection is closed."""

    saver: _Saver

    def __init__(self, path: Path, patience_seconds: float) -> None:
        """Use the file at `path`, and wait `patience_seconds` for each answer."""
        super().__init__()
        self._path = path
        self._seconds = patience_seconds
        self._patience = StoreTimeout(patience_seconds, self.AWAY)

    async def __aenter__(self) -> Self:
        """Open the file and make its folder and tables."""
        self._thread = SingleThreadExecutor()
        try:
            self.saver = await self._thread.run(self._open)
        except (OSError, sqlite3.Error) as error:
            self._thread.close()
            raise ConfigurationError(
                [f"DATABASE_URL: cannot open {self._path} ({error})"]
            ) from error
        self.saver.thread = self._thread
        self.saver.patience = self._patience
        return self

    def _open(self) -> _Saver:
        """The saver of a connection that only the calling thread may use."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Another process's write is waited for as long as our callers wait for us.
        connection = sqlite3.connect(self._path, timeout=self._seconds)
        try:
            saver = _Saver(connection)
            saver.setup()  # tables, and write-ahead logging: readers do not wait
            # The disk is waited for at checkpoints of the log only: 0.07 ms a commit instead
            # of 4.2. What was committed outlives a killed process, not a power cut.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(REPLIES)
            for statement in self.tables():
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return saver

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._thread.run(self.saver.conn.close)
        finally:
            self._thread.close()

    async def is_healthy(self) -> bool:
        """True when the file answers a read just now."""
        try:
            await self._patience.call(self._rows("SELECT 1 FROM checkpoints LIMIT 1"))
        except StoreUnavailable:
            return False
        return True

    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply that was kept under `key`."""
        query = "SELECT * FROM kept_replies WHERE key = ? AND kept_until > ?"
        rows = await self._patience.call_or(self._rows(query, key, time.time()), [])
        return IdempotencyRecord(*rows[0]) if rows else None

    async def save_reply(self, kept: IdempotencyRecord) -> None:
        """Keep a reply."""
        await self._patience.call_or(self._thread.run(self._write_reply, kept), None)

    def _write_reply(self, kept: IdempotencyRecord) -> None:
        values = (kept.key, kept.thread_id, kept.request, kept.reply, kept.kept_until)
        with self.saver.cursor() as cursor:
            cursor.execute("DELETE FROM kept_replies WHERE kept_until < ?", (time.time(),))
            cursor.execute("REPLACE INTO kept_replies VALUES (?, ?, ?, ?, ?)", values)

    async def claim(self, kept: IdempotencyRecord) -> bool:
        """Keep `kept`, unless its key is taken."""
        return await self._patience.call(self._thread.run(self._take, kept))

    def _take(self, kept: IdempotencyRecord) -> bool:
        values = (kept.key, kept.thread_id, kept.request, kept.reply, kept.kept_until)
        self.saver.conn.execute("PRAGMA synchronous=FULL")  # it outlives a power cut, too
        try:
            with self.saver.cursor() as cursor:
                cursor.execute("DELETE FROM kept_replies WHERE kept_until < ?", (time.time(),))
                cursor.execute("INSERT OR IGNORE INTO kept_replies VALUES (?, ?, ?, ?, ?)", values)
                return cursor.rowcount == 1
        finally:
            self.saver.conn.execute("PRAGMA synchronous=NORMAL")

    async def _forget_replies(self, thread_id: str) -> None:
        query = "DELETE FROM kept_replies WHERE thread_id = ?"
        await self._patience.call(self._rows(query, thread_id))

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        query = """
            SELECT thread_id FROM checkpoints
            GROUP BY thread_id HAVING max(checkpoint_id) < ? LIMIT ?
            """
        rows = await self._patience.call(self._rows(query, checkpoint_id, limit))
        return [str(row[0]) for row in rows]

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._thread.run(self._read, query, values)

    def _read(self, query: str, values: Sequence[object]) -> list[Any]:
        with self.saver.cursor() as cursor:
            return cursor.execute(query, values).fetchall()
