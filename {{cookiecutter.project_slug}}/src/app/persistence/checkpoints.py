"""Where threads are kept between two messages: SQLite, or memory in tests."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ..errors import Misconfigured

MEMORY: Final = "memory://"
SQLITE: Final = "sqlite:///"


class Checkpoints:
    """The checkpoint store of DATABASE_URL, open while it is entered."""

    saver: BaseCheckpointSaver[str]

    def __init__(self, database_url: str) -> None:
        """Keep threads at `memory://`, or in the file of `sqlite:///path`."""
        self._path = None if database_url == MEMORY else Path(database_url.removeprefix(SQLITE))
        self._open = AsyncExitStack()

    @property
    def kind(self) -> str:
        """`memory` or `sqlite`."""
        return "sqlite" if self._path else "memory"

    async def __aenter__(self) -> Self:
        """Open the store and make its folder and tables.

        Raises:
            Misconfigured: The file cannot be opened or is no SQLite database.
        """
        if self._path is None:
            self.saver = InMemorySaver()
            return self
        try:
            self._make_file(self._path)
            async with AsyncExitStack() as opening:
                connection = await opening.enter_async_context(aiosqlite.connect(self._path))
                saver = AsyncSqliteSaver(connection)
                await saver.setup()  # tables, and write-ahead logging: readers do not wait
                self._open = opening.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured([f"DATABASE_URL: cannot open {self._path} ({error})"]) from error
        self.saver = saver
        return self

    @staticmethod
    def _make_file(path: Path) -> None:
        """Fail here, not in aiosqlite (0.22): it leaves a thread behind that outlives the loop."""
        path.parent.mkdir(parents=True, exist_ok=True)
        sqlite3.connect(path).close()

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def answers(self) -> bool:
        """True when the store answers a read just now."""
        if isinstance(self.saver, AsyncSqliteSaver):
            try:
                async with self.saver.conn.execute("SELECT 1 FROM checkpoints LIMIT 1"):
                    return True
            except (sqlite3.Error, ValueError):  # ValueError: the connection is closed
                return False
        return True
