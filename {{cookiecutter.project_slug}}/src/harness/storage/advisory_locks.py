"""Locks that the processes of one PostgreSQL share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
import structlog
from psycopg.errors import ReadOnlySqlTransaction

from ..errors import ThreadBusy
from .postgres_connection import Connection

log = structlog.stdlib.get_logger(__name__)


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

    TRY: Final = """
        SELECT CASE current_setting('transaction_read_only')
        WHEN 'off' THEN pg_try_advisory_lock(hashtextextended(%s, 0)) END AS done
        """
    """A server that was demoted goes on locking, for nobody: there the result is NULL."""

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
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[Connection]:
        """Lock `name` while entered, as long as the connection lives.

        Raises:
            ThreadBusy: Another process still had it after `wait_seconds`.
            psycopg.OperationalError: The server cannot be reached.
        """
        connection = await self.acquire(name, wait_seconds)
        try:
            yield connection
        finally:
            await self.release(name)

    async def acquire(self, name: str, wait_seconds: float) -> Connection:
        """Lock `name` from now on; raises what `lock` raises."""
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        while not (connection := await self._try(name)):
            if clock() >= last:
                raise ThreadBusy(wait_seconds)
            await asyncio.sleep(self.POLL_SECONDS)
        return connection

    async def release(self, name: str) -> None:
        """Unlock `name`, also when the caller is cancelled meanwhile."""
        task = self._in_background(self._unlock(name))
        await asyncio.wait({task}, timeout=self._seconds)

    async def _try(self, name: str) -> Connection | None:
        attempt = self._in_background(self._ask(self.TRY, name))
        try:
            await asyncio.wait({attempt}, timeout=self._seconds)
        finally:
            if not attempt.done():  # the server may give it later, to nobody
                self._in_background(self._unlock_late(attempt, name))
        if not attempt.done():
            raise psycopg.OperationalError(f"no answer in {self._seconds} s")
        connection: Connection | None = attempt.result()
        return connection

    async def _unlock_late(self, attempt: "asyncio.Task[Connection | None]", name: str) -> None:
        with suppress(psycopg.Error):
            if await attempt:
                await self._unlock(name)

    async def _unlock(self, name: str) -> None:
        try:
            is_done = await self._ask(self.UNLOCK, name)
        except psycopg.Error:  # the connection is gone, and the lock with it
            is_done = None
        if not is_done:
            log.warning("turn_lock_lost")

    async def _ask(self, query: str, name: str) -> Connection | None:
        """The connection that did it; None where it was not done."""
        connection = await self.connection()
        row = await (await connection.execute(query, (name,))).fetchone()
        if row and row["done"] is None:
            await connection.close()
            raise ReadOnlySqlTransaction("the server only lets us read")
        return connection if row and row["done"] else None

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
