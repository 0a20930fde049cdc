"""Threads in one SQLite file, no server; and the choice among the stores."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.base import Op, Result
from langgraph.store.sqlite import SqliteStore as ItemStore

from ..errors import ConfigurationError
from ..project import Extra
from ..settings import Settings, StoreURL
from .file_locks import FileLocks
from .memories import SQLMemories
from .persistence import LoopCheckpointer, StoreTimeout
from .records import SQLRecords
from .sql_store import SQLStore, Statement
from .store import MemoryStore, Store

T = TypeVar("T")


class SingleThreadExecutor:
    """Runs blocking work on one thread, in order; cancelling a caller cancels only what has not begun."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._is_over = False

    async def run(self, work: Callable[..., T], *given: Any, **named: Any) -> T:
        """The result of `work`.

        Raises:
            ValueError: The thread has ended.
        """
        if self._is_over:
            raise ValueError("the store is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *given, **named))

    def close(self) -> None:
        """Accept nothing more; what was accepted is still done."""
        self._is_over = True
        self._executor.shutdown(wait=False)


class _ThreadSaver(SqliteSaver):
    """LangGraph's synchronous saver in `thread`: one jump a call.

    Its asynchronous one (langgraph-checkpoint-sqlite 3.1) jumps for each statement, cursor and
    commit: seven times a turn instead of two.
    """

    thread: SingleThreadExecutor

    async def aget_tuple(self, *given: Any, **named: Any) -> CheckpointTuple | None:
        return await self.thread.run(super().get_tuple, *given, **named)

    async def aput(self, *given: Any, **named: Any) -> RunnableConfig:
        return await self.thread.run(super().put, *given, **named)

    async def aput_writes(self, *given: Any, **named: Any) -> None:
        await self.thread.run(super().put_writes, *given, **named)

    async def adelete_thread(self, *given: Any, **named: Any) -> None:
        await self.thread.run(super().delete_thread, *given, **named)

    async def alist(self, *given: Any, **named: Any) -> AsyncIterator[CheckpointTuple]:
        found = super().list
        for checkpoint in await self.thread.run(lambda: tuple(found(*given, **named))):
            yield checkpoint


class _Saver(LoopCheckpointer, _ThreadSaver):
    """A saver whose failures degrade the run instead of failing it."""


class SqliteStore(SQLStore):
    """Keeps threads in a file, over one connection that one thread uses."""

    kind = "sqlite"

    PLACEHOLDER = "?"
    RUN = "json_extract(CAST(metadata AS TEXT), '$.run_id')"
    ROOT = "substr(thread_id, 1, instr(thread_id || ' ', ' ') - 1)"

    AWAY = (sqlite3.Error, ValueError, TypeError)
    """What a file that cannot be used raises; ValueError: the connection is closed, or a text has no encoding;
    TypeError: a value cannot be stored."""

    PROBE = "INSERT INTO checkpoints SELECT * FROM checkpoints WHERE 0"

    saver: _Saver

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        """Use the file at `path`, and wait `timeout_seconds` for each answer."""
        super().__init__()
        self._path = path
        self._seconds = timeout_seconds
        self._timeout = StoreTimeout(timeout_seconds, self.AWAY)
        self.memories = SQLMemories(self._remember, self._query)
        self.records = SQLRecords(self._query)

    async def __aenter__(self) -> Self:
        """Open the file and make its folder and tables."""
        self._thread = SingleThreadExecutor()
        try:
            self.saver = await self._thread.run(self._open)
        except (OSError, sqlite3.Error) as error:
            self._thread.close()
            raise ConfigurationError([f"DATABASE_URL: cannot open {self._path} ({error})"]) from error
        self.saver.thread = self._thread
        self.saver.timeout = self._timeout
        self.saver.loop = asyncio.get_running_loop()
        return self

    async def _remember(self, ops: Sequence[Op]) -> list[Result]:
        return await self._timeout.call(self._thread.run(self._items.batch, ops))

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
            connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten; Debian's default
            for statement in self.tables():
                connection.execute(statement)
            self._items = self._opened(connection)
            self._file_locks = FileLocks(self._path.with_name(f"{self._path.name}-lock"))
        except BaseException:
            connection.close()
            raise
        return saver

    @staticmethod
    def _opened(connection: sqlite3.Connection) -> ItemStore:
        """LangGraph's store over the same connection; its own `setup` breaks where two processes start at once."""
        items = ItemStore(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS store_migrations (v INTEGER PRIMARY KEY)")
        (done,) = connection.execute("SELECT coalesce(max(v), -1) FROM store_migrations").fetchone()
        for version, statement in enumerate(items.MIGRATIONS):
            if version > done:
                connection.execute(statement)
                connection.execute("INSERT INTO store_migrations (v) VALUES (?)", (version,))
        connection.commit()
        items.is_setup = True
        return items

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._thread.run(self.saver.conn.close)
        finally:
            self._thread.close()
            self._file_locks.close()

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered, in every process of this machine.

        Raises:
            ThreadBusy: It was still locked after `wait_seconds`.
        """
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        async with super().lock(name, wait_seconds), self._file_locks.lock(name, max(0, last - clock())):
            yield

    async def _probe(self) -> None:
        await self._execute([(self.PROBE, ())])

    async def _erase(self) -> None:
        """Take over the log of writes, where the words of a deleted thread still stand, and empty it.

        Another process that reads just then puts it off to the next time.
        """
        await self._query("PRAGMA wal_checkpoint(TRUNCATE)")

    async def _execute(self, statements: Sequence[Statement], *, is_durable: bool = False) -> list[Sequence[Any]]:
        return await self._thread.run(self._run, statements, is_durable)

    def _run(self, statements: Sequence[Statement], is_durable: bool) -> list[Sequence[Any]]:
        rows: list[Sequence[Any]] = []
        if is_durable:
            self.saver.conn.execute("PRAGMA synchronous=FULL")
        try:
            with self.saver.cursor() as cursor:
                for query, values in statements:
                    rows = cursor.execute(query, values).fetchall()
        finally:
            if is_durable:
                self.saver.conn.execute("PRAGMA synchronous=NORMAL")
        return rows


class Checkpoints:
    """The store that DATABASE_URL names."""

    @classmethod
    def open(cls, settings: Settings) -> Store:
        """The store, not open yet.

        Raises:
            ConfigurationError: The database's driver is not installed, or finds no region.
        """
        url = settings.database_url
        if url == StoreURL.MEMORY:
            return MemoryStore()
        if url.startswith(StoreURL.SQLITE):
            return SqliteStore(Path(url.removeprefix(StoreURL.SQLITE)), settings.database_timeout_seconds)
        scheme = url.partition("://")[0]
        extra = import_module(f"{__package__}.{scheme}").EXTRA if scheme in StoreURL.FURTHER else "postgres"
        try:
            if scheme in StoreURL.FURTHER:
                further: Store = import_module(f"{__package__}.{scheme}.store").STORE(settings)
                return further
            from .postgres import PostgresStore  # noqa: PLC0415  # an extra
        except ImportError:
            raise ConfigurationError([f"DATABASE_URL: {Extra.remedy(extra)}"]) from None
        return PostgresStore(url, settings.database_pool_size, settings.database_timeout_seconds)
