"""Threads in PostgreSQL: several processes, machines and restarts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Self

import psycopg
import structlog
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.base import Op, Result
from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from ..errors import ConfigurationError, StoreUnavailable, ThreadBusy
from ..run_context import RunContext
from .advisory_locks import AdvisoryLocks
from .memories import SQLMemories
from .persistence import DegradingCheckpointer, StoreTimeout
from .postgres_connection import Connection
from .records import SQLRecords
from .sql_store import SQLStore, Statement

log = structlog.stdlib.get_logger(__name__)


class _Saver(DegradingCheckpointer, AsyncPostgresSaver):
    """LangGraph's saver, whose failures degrade the run instead of failing it."""


class _ItemStore(AsyncPostgresStore):
    """LangGraph's store, of which `abatch` is used alone: without its task that collects single calls."""

    def _ensure_task(self) -> None:
        """None is needed."""


class PostgresStore(SQLStore):
    """Keeps threads in a database that other processes use too."""

    kind = "postgresql"

    PLACEHOLDER = "%s"
    RUN = "metadata->>'run_id'"
    ROOT = "split_part(thread_id, ' ', 1)"

    AWAY: Final = (psycopg.Error, OSError, ValueError, TypeError)
    """Whatever goes wrong: a server that is down or demoted, a full disk, a right that was taken away.
    ValueError and TypeError: a text without an encoding, a value that cannot be stored."""

    PROBE = """
        WITH blobs AS (INSERT INTO checkpoint_blobs SELECT * FROM checkpoint_blobs WHERE false),
        writes AS (INSERT INTO checkpoint_writes SELECT * FROM checkpoint_writes WHERE false),
        replies AS (INSERT INTO kept_replies SELECT * FROM kept_replies WHERE false),
        ratings AS (INSERT INTO feedback SELECT * FROM feedback WHERE false),
        records AS (INSERT INTO endpoint_records SELECT * FROM endpoint_records WHERE false),
        items AS (INSERT INTO store SELECT * FROM store WHERE false),
        changes AS (UPDATE checkpoints SET checkpoint_ns = '' WHERE false)
        INSERT INTO checkpoints SELECT * FROM checkpoints WHERE false
        """

    ENCODING: Final = "UTF8"
    """Of the database: any other has signs that it cannot keep."""

    MIGRATION: Final = "threads: migration"
    """Name of the lock under which tables are made: several processes may start at once."""

    MIGRATION_SECONDS: Final = 60.0
    """Longest wait for another process that makes the tables, seconds; guess."""

    RECONNECT_SECONDS: Final = 0.5
    """The pool's own tries end after this, seconds; the next request tries again at once. With
    psycopg_pool's 300 s its pauses grow, and a server that is back would be found late."""

    saver: _Saver

    def __init__(self, url: str, pool_size: int, timeout_seconds: float) -> None:
        """Use up to `pool_size` connections and wait `timeout_seconds` for each answer."""
        super().__init__()
        self._url = url
        self._pool_size = pool_size
        self._seconds = timeout_seconds
        self._timeout = StoreTimeout(timeout_seconds, self.AWAY)
        self.memories = SQLMemories(self._remember, self._query)
        self.records = SQLRecords(self._query)
        self._options = Connection.options(url, timeout_seconds)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Reach the server, make the tables, open the pool."""
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self._url,
            connection_class=Connection,
            kwargs=self._options,
            min_size=1,
            max_size=self._pool_size,
            timeout=self._seconds,
            reconnect_timeout=self.RECONNECT_SECONDS,
            configure=self._configure,
            check=Connection.check,
            open=False,
        )
        async with AsyncExitStack() as opening:
            self._advisory = AdvisoryLocks(self._connect, self._seconds)
            opening.push_async_callback(self._advisory.aclose)
            await self._migrate()
            await opening.enter_async_context(self._pool)
            pool: Any = self._pool  # of a kind of connection
            self.saver = _Saver(pool)
            self.saver.timeout = self._timeout
            # Its own is one lock around the whole pool (3.2): one query at a time.
            self.saver.lock = asyncio.Semaphore(self._pool_size)  # type: ignore[assignment]
            self._items = _ItemStore(pool)
            self._open = opening.pop_all()
        return self

    async def _remember(self, ops: Sequence[Op]) -> list[Result]:
        return await self._timeout.call(self._items.abatch(ops))

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _connect(self) -> Connection:
        """The locks' connection. Where it was lost, those of the pool are too, or lead to the server of before."""
        connection = await Connection.connect(self._url, **self._options)
        await self._configure(connection)
        await connection.watch_client()
        if not self._pool.closed:
            await self._pool.drain()
        return connection

    async def _configure(self, connection: Connection) -> None:
        connection.answer_seconds = self._seconds

    async def _migrate(self) -> None:
        try:
            async with self._advisory.lock(self.MIGRATION, self.MIGRATION_SECONDS) as connection:
                encoding = connection.info.parameter_status("server_encoding")
                if encoding not in (self.ENCODING, None):  # a pooler may keep it to itself
                    problem = f"its encoding is {encoding}; make one with ENCODING '{self.ENCODING}' TEMPLATE template0"
                    raise ConfigurationError([f"DATABASE_URL: {problem}"])
                connection.answer_seconds = None  # an index over many threads takes its time
                await AsyncPostgresSaver(connection).setup()
                await _ItemStore(connection).setup()
                for statement in self.tables():
                    await connection.execute(statement)
                await connection.execute(self.PROBE)
                await self._configure(connection)
        except psycopg.Error as error:
            raise ConfigurationError([f"DATABASE_URL: {self._described(error)}"]) from None
        except ThreadBusy:
            problem = "another process has been making its tables for too long"
            raise ConfigurationError([f"DATABASE_URL: {problem}"]) from None

    def _described(self, error: psycopg.Error) -> str:
        """What failed where, without the password that the address may hold."""
        parts = conninfo_to_dict(self._url)
        where = f"{parts.get('host') or 'the local socket'}, database {parts.get('dbname') or '?'}"
        text = " ".join(str(error).split())
        if password := parts.get("password"):
            text = text.replace(str(password), "[redacted]")
        return f"cannot use PostgreSQL at {where} ({text})"

    async def _probe(self) -> None:
        # Over the locks' connection: a pool that is busy is no reason to be taken for dead, and a
        # server that is away is found out at once.
        await (await self._advisory.connection()).execute(self.PROBE)

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered, in every process; in this one only, while the server is away.

        Raises:
            ThreadBusy: It was still locked after `wait_seconds`.
            StoreUnavailable: The server is away, and no run goes on without it.
        """
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        async with super().lock(name, wait_seconds), AsyncExitStack() as locks:
            status = RunContext.current().persistence
            try:
                if not (status and status.failed):
                    left = max(0, last - clock())
                    connection = await locks.enter_async_context(self._advisory.lock(name, left))
                    if status:
                        status.confirm = connection.check
            except self.AWAY as error:
                if status is None:
                    raise StoreUnavailable(type(error).__name__) from error
                status.mark_failed(error)
            yield

    async def _execute(self, statements: Sequence[Statement], *, is_durable: bool = False) -> list[Sequence[Any]]:
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            for query, values in statements:
                await cursor.execute(query, values)
            return [list(row.values()) for row in await cursor.fetchall()]
