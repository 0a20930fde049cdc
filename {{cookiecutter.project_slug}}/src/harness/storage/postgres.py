"""Threads in PostgreSQL: several processes, machines and restarts."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from ..errors import ConfigurationError, StoreUnavailable, ThreadBusy
from .advisory import AdvisoryLocks, Connection
from .feedback import SQLFeedback
from .saving import DegradingCheckpointer, PersistenceStatus, StoreTimeout
from .store import IdempotencyRecord, Store

REPLIES: Final = (
    """
    CREATE TABLE IF NOT EXISTS kept_replies (
        key TEXT PRIMARY KEY,
        thread_id TEXT NOT NULL,
        request TEXT NOT NULL,
        reply TEXT NOT NULL,
        kept_until DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS kept_replies_thread ON kept_replies (thread_id)",
    "CREATE INDEX IF NOT EXISTS kept_replies_until ON kept_replies (kept_until)",
)


class _Saver(DegradingCheckpointer, AsyncPostgresSaver):
    """LangGraph's saver, whose failures cost the turn's memory and not its answer."""


class PostgresStore(SQLFeedback, Store):
    """Keeps threads in a database that other processes use too."""

    kind = "postgresql"

    MARK = "%s"
    RUN = "metadata->>'run_id'"

    AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
    """What a server raises that is down, restarts, or has become a read-only replica."""

    MIGRATION: Final = "threads: migration"
    """Name of the lock under which tables are made: several processes may start at once."""

    MIGRATION_SECONDS: Final = 60.0
    """Longest wait for another process that makes the tables, seconds; guess."""

    RECONNECT_SECONDS: Final = 0.5
    """The pool's own tries end after this, seconds; the next request tries again at once. With
    psycopg_pool's 300 s its pauses grow, and a server that is back would be found late."""

    saver: _Saver

    def __init__(self, url: str, pool_size: int, patience_seconds: float) -> None:
        """Use up to `pool_size` connections and wait `patience_seconds` for each answer."""
        super().__init__()
        self._url = url
        self._pool_size = pool_size
        self._seconds = patience_seconds
        self._patience = StoreTimeout(patience_seconds, self.AWAY)
        self._options: dict[str, Any] = {
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "connect_timeout": math.ceil(patience_seconds),
        }
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Reach the server, make the tables, open the pool."""
        async with AsyncExitStack() as opening:
            self._advisory = AdvisoryLocks(self._connect, self._seconds)
            opening.push_async_callback(self._advisory.aclose)
            await self._migrate()
            self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
                self._url,
                connection_class=psycopg.AsyncConnection[DictRow],
                kwargs=self._options,
                min_size=1,
                max_size=self._pool_size,
                timeout=self._seconds,
                reconnect_timeout=self.RECONNECT_SECONDS,
                check=self._check,
                open=False,
            )
            await opening.enter_async_context(self._pool)
            self.saver = _Saver(self._pool)
            self.saver.patience = self._patience
            # Its own is one lock around the whole pool (3.2): one query at a time.
            self.saver.lock = asyncio.Semaphore(self._pool_size)  # type: ignore[assignment]
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    @staticmethod
    async def _check(connection: Connection) -> None:
        """Ask the server only where it has said something unasked: that it ends, as a rule.

        The pool's own check is a round trip each time. A server that is gone without a word is
        found by neither in time: the answer that does not come is.

        Raises:
            psycopg.OperationalError: The connection is closed.
        """
        with DefaultSelector() as said:
            said.register(connection.fileno(), EVENT_READ)
            if said.select(timeout=0):
                await AsyncConnectionPool.check_connection(connection)

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection[DictRow].connect(self._url, **self._options)

    async def _migrate(self) -> None:
        try:
            async with self._advisory.lock(self.MIGRATION, self.MIGRATION_SECONDS):
                connection = await self._advisory.connection()
                await AsyncPostgresSaver(connection).setup()
                for statement in (*REPLIES, *self.tables()):
                    await connection.execute(statement)
        except psycopg.Error as error:
            raise ConfigurationError([f"DATABASE_URL: {self._told(error)}"]) from None
        except ThreadBusy:
            problem = "another process has been making its tables for too long"
            raise ConfigurationError([f"DATABASE_URL: {problem}"]) from None

    def _told(self, error: psycopg.Error) -> str:
        """What failed where, without the password that the address may hold."""
        parts = conninfo_to_dict(self._url)
        where = f"{parts.get('host') or 'the local socket'}, database {parts.get('dbname') or '?'}"
        text = " ".join(str(error).split())
        if password := parts.get("password"):
            text = text.replace(str(password), "[redacted]")
        return f"cannot use PostgreSQL at {where} ({text})"

    async def is_healthy(self) -> bool:
        """True when the server answers a read just now."""
        try:
            await self._patience.call(self._probe())
        except StoreUnavailable:
            return False
        return True

    async def _probe(self) -> None:
        # Over the locks' connection: a pool that is busy is no reason to be taken for dead, and a
        # server that is away is found out at once.
        await (await self._advisory.connection()).execute("SELECT 1 FROM checkpoints LIMIT 1")

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Hold `name` while entered: no other turn on this store does, in any process.

        In a turn that goes on without the store, no other turn of this process does.

        Raises:
            ThreadBusy: Another one still held it after `wait_seconds`.
            StoreUnavailable: The server is away, and this is no turn.
        """
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        async with super().lock(name, wait_seconds), AsyncExitStack() as held:
            saving = PersistenceStatus.current()
            try:
                if not (saving and saving.failed_to_save):
                    left = max(0, last - clock())
                    await held.enter_async_context(self._advisory.lock(name, left))
            except self.AWAY as error:
                if saving is None:
                    raise StoreUnavailable(type(error).__name__) from error
                saving.mark_failed(error)
            yield

    async def find_reply(self, key: str) -> IdempotencyRecord | None:
        """The reply that was kept under `key`."""
        query = "SELECT * FROM kept_replies WHERE key = %s AND kept_until > %s"
        rows = await self._patience.call_or(self._rows(query, key, time.time()), [])
        return IdempotencyRecord(**rows[0]) if rows else None

    async def save_reply(self, kept: IdempotencyRecord) -> None:
        """Keep a reply."""
        await self._patience.call_or(self._write_reply(kept), None)

    async def _write_reply(self, kept: IdempotencyRecord) -> None:
        values = (kept.key, kept.thread_id, kept.request, kept.reply, kept.kept_until)
        async with self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM kept_replies WHERE kept_until < %s", [time.time()]
            )
            await connection.execute(
                """
                INSERT INTO kept_replies VALUES (%s, %s, %s, %s, %s) ON CONFLICT (key) DO UPDATE
                SET (thread_id, request, reply, kept_until)
                = (excluded.thread_id, excluded.request, excluded.reply, excluded.kept_until)
                """,
                values,
            )

    async def claim(self, kept: IdempotencyRecord) -> bool:
        """Keep `kept`, unless its key is taken."""
        return await self._patience.call(self._take(kept))

    async def _take(self, kept: IdempotencyRecord) -> bool:
        values = (kept.key, kept.thread_id, kept.request, kept.reply, kept.kept_until)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "INSERT INTO kept_replies VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                values,
            )
            return cursor.rowcount == 1

    async def _forget_replies(self, thread_id: str) -> None:
        query = "DELETE FROM kept_replies WHERE thread_id = %s RETURNING key"
        await self._patience.call(self._rows(query, thread_id))

    async def _threads_before(self, checkpoint_id: str, limit: int) -> Sequence[str]:
        query = """
            SELECT thread_id FROM checkpoints
            GROUP BY thread_id HAVING max(checkpoint_id) < %s LIMIT %s
            """
        rows = await self._patience.call(self._rows(query, checkpoint_id, limit))
        return [row["thread_id"] for row in rows]

    async def _rows(self, query: str, *values: object) -> list[DictRow]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, values)
            return await cursor.fetchall()
