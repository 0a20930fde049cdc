"""Tables of one SQLite file: opened read-only, and every access asked of an authorizer."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ..errors import PolicyViolation, SourceUnavailable
from .sql_limits import ResultLimits


class Authorizer:
    """What SQLite asks while it prepares a statement: may it do this?

    It sees what a view, a comment or a common table expression hides from who reads SQL. The fifth
    thing that SQLite tells, the view that reads a table, is not believed: a common table expression
    of the same name looks alike. So a view needs its tables granted too.
    """

    FUNCTIONS: Final = frozenset(
        "abs avg coalesce count date ifnull instr iif length like lower max min nullif replace round"
        " strftime substr substring sum total trim upper".split()
    )
    """Functions that a query may call; `like` is also the operator. None reaches a file."""

    def __init__(self, granted: frozenset[str]) -> None:
        """Let the tables in `granted` be read, lower case, and nothing else happen."""
        self._granted = granted

    def __call__(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """SQLite's answer for one action; what is not known is refused."""
        match action:
            case sqlite3.SQLITE_SELECT | sqlite3.SQLITE_RECURSIVE:
                allowed = True
            case sqlite3.SQLITE_READ:
                allowed = (first or "").lower() in self._granted
            case sqlite3.SQLITE_FUNCTION:
                allowed = (second or "").lower() in self.FUNCTIONS
            case _:
                allowed = False
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


class SqliteTables:
    """Reads a file that others write. A connection a query: nothing of one is left to the next."""

    STEPS: Final = 10_000
    """Instructions of SQLite between two looks at the clock, some tenths of a millisecond; guess."""

    REFUSED: Final = (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)

    def __init__(self, file: Path, granted: frozenset[str], limits: ResultLimits) -> None:
        """Read the tables in `granted` of `file`."""
        self._file = file
        self._authorizer = Authorizer(granted)
        self._limits = limits

    async def rows(
        self, query: str, values: Sequence[object], seconds: float
    ) -> Sequence[Mapping[str, Any]]:
        """The rows of `query`; in a thread, which ends by itself when its time is over."""
        return await asyncio.to_thread(self.read, query, values, time.monotonic() + seconds)

    def read(self, query: str, values: Sequence[object], last: float) -> list[dict[str, Any]]:
        """The rows of `query`, by `last` of the monotonic clock.

        Raises:
            PolicyViolation: SQLite refuses it.
            SourceUnavailable: It takes too long, gives too much, or fails.
        """
        try:
            with closing(self._opened(last)) as connection:
                cursor = connection.execute(query, self._named(values))
                columns = [column[0] for column in cursor.description or ()]
                return self._limits.apply(columns, cursor.fetchmany(self._limits.wanted))
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._told(error) from None

    def _connected(self) -> sqlite3.Connection:
        uri = f"{self._file.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    def _opened(self, last: float) -> sqlite3.Connection:
        connection = self._connected()
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, self._limits.max_bytes)
        connection.set_progress_handler(lambda: time.monotonic() > last, self.STEPS)
        connection.set_authorizer(self._authorizer)
        return connection

    @staticmethod
    def _named(values: Sequence[object]) -> Mapping[str, object]:
        """`$1` is a name to SQLite."""
        return {str(place): value for place, value in enumerate(values, 1)}

    @classmethod
    def _told(cls, error: Exception) -> Exception:
        code = getattr(error, "sqlite_errorcode", None)
        if code in cls.REFUSED:
            return PolicyViolation("table", "tables that the agent's policy grants may be read")
        if code is None:  # the driver's own: a second statement, a wrong number of values
            return PolicyViolation("table", "one statement, with a value for each place")
        if code == sqlite3.SQLITE_INTERRUPT:
            return SourceUnavailable("table", "no whole answer within DATA_TIMEOUT_SECONDS")
        return SourceUnavailable("table", getattr(error, "sqlite_errorname", "SQLite failed"))
