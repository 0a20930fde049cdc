"""Threads in PostgreSQL: several processes, machines and restarts."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Final, Self

import psycopg
import structlog
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.base import Op, Result
from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from ..errors import ConfigurationError, StoreUnavailable, ThreadBusy
from ..run_context import RunContext
from .memories import SQLMemories
from .sql_store import DegradingCheckpointer, SQLStore, Statement, StoreTimeout

log = structlog.stdlib.get_logger(__name__)

Connection = psycopg.AsyncConnection[DictRow]


class AdvisoryLocks:
    """Locks of one process, all held by one connection of their own.

    So a run that waits for its model occupies no connection of the pool. When the process or the
    connection dies, the server gives the locks back. The caller sees to it that this process asks
    for a name once at a time: within one connection these locks do not exclude each other.

    They need sessions: behind PgBouncer, pooling by transaction would lose them.
    """

    POLL_SECONDS: Final = 0.03
    """Pause between two tries. Tries, not a wait on the server, which would block the connection
    for the other runs; and `CREATE INDEX CONCURRENTLY` waits for whoever waits there."""

    TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0)) AS done"
    UNLOCK: Final = "SELECT pg_advisory_unlock(hashtextextended(%s, 0)) AS done"

    def __init__(self, connect: Callable[[], Awaitable[Connection]], timeout_seconds: float) -> None:
        """Hold locks over a connection of `connect`, made again when it breaks."""
        self._connect = connect
        self._seconds = timeout_seconds
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._background: set[asyncio.Task[Any]] = set()

    async def connection(self) -> Connection:
        """The locks' connection, open.

        Raises:
            psycopg.OperationalError: The server cannot be reached.
        """
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
            return self._connection

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered.

        Raises:
            ThreadBusy: Another process still had it after `wait_seconds`.
            psycopg.OperationalError: The server cannot be reached.
        """
        await self.acquire(name, wait_seconds)
        try:
            yield
        finally:
            await self.release(name)

    async def acquire(self, name: str, wait_seconds: float) -> None:
        """Lock `name` from now on; raises what `lock` raises."""
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        while not await self._try(name):
            if clock() >= last:
                raise ThreadBusy(wait_seconds)
            await asyncio.sleep(self.POLL_SECONDS)

    async def release(self, name: str) -> None:
        """Unlock `name`, also when the caller is cancelled meanwhile."""
        task = self._in_background(self._unlock(name))
        await asyncio.wait({task}, timeout=self._seconds)

    async def _try(self, name: str) -> bool:
        attempt = self._in_background(self._ask(self.TRY, name))
        try:
            await asyncio.wait({attempt}, timeout=self._seconds)
        finally:
            if not attempt.done():  # the server may give it later, to nobody
                self._in_background(self._unlock_late(attempt, name))
        if not attempt.done():
            raise psycopg.OperationalError(f"no answer in {self._seconds} s")
        return bool(attempt.result())

    async def _unlock_late(self, attempt: "asyncio.Task[bool]", name: str) -> None:
        with suppress(psycopg.Error):
            if await attempt:
                await self._unlock(name)

    async def _unlock(self, name: str) -> None:
        try:
            is_done = await self._ask(self.UNLOCK, name)
        except psycopg.Error:  # the connection is gone, and the lock with it
            is_done = False
        if not is_done:
            log.warning("turn_lock_lost")

    async def _ask(self, query: str, name: str) -> bool:
        cursor = await (await self.connection()).execute(query, (name,))
        row = await cursor.fetchone()
        return bool(row and row["done"])

    def _in_background(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def aclose(self) -> None:
        """Give every lock back."""
        for task in set(self._background):
            task.cancel()
        if self._connection is not None:
            await self._connection.close()


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

    def __init__(self, url: str, pool_size: int, timeout_seconds: float) -> None:
        """Use up to `pool_size` connections and wait `timeout_seconds` for each answer."""
        super().__init__()
        self._url = url
        self._pool_size = pool_size
        self._seconds = timeout_seconds
        self._timeout = StoreTimeout(timeout_seconds, self.AWAY)
        self.memories = SQLMemories(self._remember, self._query)
        self._options: dict[str, Any] = {
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "connect_timeout": math.ceil(timeout_seconds),
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
            self.saver.timeout = self._timeout
            # Its own is one lock around the whole pool (3.2): one query at a time.
            self.saver.lock = asyncio.Semaphore(self._pool_size)  # type: ignore[assignment]
            self._items = _ItemStore(self._pool)
            self._open = opening.pop_all()
        return self

    async def _remember(self, ops: Sequence[Op]) -> list[Result]:
        return await self._timeout.call(self._items.abatch(ops))

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @staticmethod
    async def _check(connection: Connection) -> None:
        """Ask the server only where it has said something unasked: that it ends, as a rule.

        The pool's own check is a round trip each time. A server that is gone without a word is
        found by neither in time: the answer that does not come is.

        Raises:
            psycopg.OperationalError: The connection is closed.
        """
        with DefaultSelector() as selector:
            selector.register(connection.fileno(), EVENT_READ)
            if selector.select(timeout=0):
                await AsyncConnectionPool.check_connection(connection)

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection[DictRow].connect(self._url, **self._options)

    async def _migrate(self) -> None:
        try:
            async with self._advisory.lock(self.MIGRATION, self.MIGRATION_SECONDS):
                connection = await self._advisory.connection()
                await AsyncPostgresSaver(connection).setup()
                await _ItemStore(connection).setup()
                for statement in self.tables():
                    await connection.execute(statement)
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
        await (await self._advisory.connection()).execute("SELECT 1 FROM checkpoints LIMIT 1")

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
                    await locks.enter_async_context(self._advisory.lock(name, left))
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
