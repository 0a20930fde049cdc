"""Threads in one SQLite file: one process, no server."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ..errors import Misconfigured, StoreUnavailable
from .saving import Patience, Tolerant
from .store import KeptReply, Store

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


class _Saver(Tolerant, AsyncSqliteSaver):
    """LangGraph's saver, whose failures cost the turn's memory and not its answer."""


class SqliteStore(Store):
    """Keeps threads in a file; the saver's one connection writes everything."""

    kind = "sqlite"

    AWAY = (sqlite3.Error, ValueError)
    """What a file that cannot be used raises; ValueError: the connection is closed."""

    saver: _Saver

    def __init__(self, path: Path, patience_seconds: float) -> None:
        """Use the file at `path`, and wait `patience_seconds` for each answer."""
        super().__init__()
        self._path = path
        self._patience = Patience(patience_seconds, self.AWAY)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the file and make its folder and tables."""
        try:
            self._make_file()
            async with AsyncExitStack() as opening:
                connection = await opening.enter_async_context(aiosqlite.connect(self._path))
                self.saver = _Saver(connection)
                self.saver.patience = self._patience
                await self.saver.setup()  # tables, and write-ahead logging: readers do not wait
                # The disk is waited for at checkpoints of the log only: 0.07 ms a commit instead
                # of 4.2. What was committed outlives a killed process, not a power cut.
                await connection.execute("PRAGMA synchronous=NORMAL")
                await connection.executescript(REPLIES)
                self._open = opening.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured([f"DATABASE_URL: cannot open {self._path} ({error})"]) from error
        return self

    def _make_file(self) -> None:
        """Fail here, not in aiosqlite (0.22): it leaves a thread behind that outlives the loop."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        sqlite3.connect(self._path).close()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def answers(self) -> bool:
        """True when the file answers a read just now."""
        try:
            await self._patience.ask(self._rows("SELECT 1 FROM checkpoints LIMIT 1"))
        except StoreUnavailable:
            return False
        return True

    async def kept_reply(self, key: str) -> KeptReply | None:
        """The reply that was kept under `key`."""
        query = "SELECT * FROM kept_replies WHERE key = ? AND kept_until > ?"
        rows = await self._patience.ask_in_turn(self._rows(query, key, time.time()), [])
        return KeptReply(*rows[0]) if rows else None

    async def keep_reply(self, kept: KeptReply) -> None:
        """Keep a reply."""
        await self._patience.ask_in_turn(self._write_reply(kept), None)

    async def _write_reply(self, kept: KeptReply) -> None:
        values = (kept.key, kept.thread_id, kept.request, kept.reply, kept.kept_until)
        async with self.saver.lock:
            connection = self.saver.conn
            await connection.execute(
                "DELETE FROM kept_replies WHERE kept_until < ?", (time.time(),)
            )
            await connection.execute("REPLACE INTO kept_replies VALUES (?, ?, ?, ?, ?)", values)
            await connection.commit()

    async def _forget_replies(self, thread_id: str) -> None:
        query = "DELETE FROM kept_replies WHERE thread_id = ?"
        await self._patience.ask(self._rows(query, thread_id))

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        query = """
            SELECT thread_id FROM checkpoints
            GROUP BY thread_id HAVING max(checkpoint_id) < ? LIMIT ?
            """
        rows = await self._patience.ask(self._rows(query, checkpoint_id, limit))
        return [str(row[0]) for row in rows]

    async def _rows(self, query: str, *values: object) -> list[Any]:
        async with self.saver.lock:
            async with self.saver.conn.execute(query, values) as cursor:
                rows = list(await cursor.fetchall())
            await self.saver.conn.commit()
        return rows
