"""Reads reference tables. What may not be read is refused by the database, not by reading SQL."""

import asyncio
import csv
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from ..errors import ConfigurationError, PolicyViolation, SourceUnavailable
from ..limits.deadline import Deadline
from ..project import Extra
from ..settings import Settings
from .files import Folder
from .policy import Policy

if TYPE_CHECKING:
    from .sql_postgres import PostgresTables

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultLimits:
    """Rows that one query may give, and the bytes of their texts."""

    max_rows: int
    max_bytes: int

    def apply(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        """`rows` by column; one more than `max_rows` tells that there are more.

        Raises:
            SourceUnavailable: They are too many or too large. A part would be taken for the whole.
        """
        result: list[dict[str, Any]] = []
        size = 0
        for row in rows:
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if size > self.max_bytes:
                raise SourceUnavailable("table", f"more than DATA_MAX_BYTES={self.max_bytes}")
            result.append(dict(zip(columns, row, strict=True)))
            if len(result) > self.max_rows:
                raise SourceUnavailable("table", f"more than DATA_MAX_ROWS={self.max_rows}")
        return result


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
        """SQLite's answer for one action; what is not listed is refused."""
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

    def __init__(self, path: Path, granted: frozenset[str], limits: ResultLimits) -> None:
        self._path = path
        self._authorizer = Authorizer(granted)
        self._limits = limits

    async def rows(self, query: str, values: Sequence[object], seconds: float) -> Sequence[Row]:
        """The rows of `query`; in a thread, which ends by itself when its time is over."""
        return await asyncio.to_thread(self.read, query, values, time.monotonic() + seconds)

    def read(self, query: str, values: Sequence[object], last: float) -> list[dict[str, Any]]:
        """The rows of `query`, by `last` of the monotonic clock.

        Raises:
            PolicyViolation: SQLite refuses it.
            SourceUnavailable: It takes too long, gives too much, or fails.
        """
        named = {str(place): value for place, value in enumerate(values, 1)}  # `$1` is a name here
        try:
            with closing(self._connected()) as connection:
                self._restrict(connection, last)
                cursor = connection.execute(query, named)
                columns = [column[0] for column in cursor.description or ()]
                return self._limits.apply(columns, cursor.fetchmany(self._limits.max_rows + 1))
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._failure(error) from None

    def _restrict(self, connection: sqlite3.Connection, last: float) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, self._limits.max_bytes)
        connection.set_progress_handler(lambda: time.monotonic() > last, self.STEPS)
        connection.set_authorizer(self._authorizer)

    def _connected(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    @classmethod
    def _failure(cls, error: Exception) -> Exception:
        code = getattr(error, "sqlite_errorcode", None)
        if code in cls.REFUSED:
            return PolicyViolation("table", "tables that the agent's policy grants may be read")
        if code is None:  # the driver's own: a second statement, a wrong number of values
            return PolicyViolation("table", "one statement, with a value for each place")
        if code == sqlite3.SQLITE_INTERRUPT:
            return SourceUnavailable("table", "no whole answer within DATA_TIMEOUT_SECONDS")
        return SourceUnavailable("table", getattr(error, "sqlite_errorname", "SQLite failed"))


class CsvTables(SqliteTables):
    """Reads CSV files as SQLite reads its own: `prices.csv` is the table `prices`.

    The first line names the columns, and figures are numbers. The files are read at the first query
    and kept until a restart; each query has its own copy in memory, so nothing is written anywhere.
    """

    TYPE: Final = "NUMERIC"
    """Of every column: SQLite then stores `4.90` as a number and other text as it is."""

    DECIMAL: Final = re.compile(r"^(\d+),(\d+)$")

    DELIMITERS: Final = ",;\t"
    """The one that the first line has most of; spreadsheets write `;` where the comma is a decimal mark."""

    def __init__(self, path: Path, granted: frozenset[str], limits: ResultLimits) -> None:
        super().__init__(path, granted, limits)
        self._files = Folder(path, limits.max_bytes, frozenset({".csv"}))
        self._granted = granted

    def _connected(self) -> sqlite3.Connection:
        image = self._image
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(image)
        connection.execute("PRAGMA query_only=ON")
        return connection

    @cached_property
    def _image(self) -> bytes:
        with closing(sqlite3.connect(":memory:")) as connection:
            for table in sorted(self._granted):
                self._fill(connection, table)
            connection.commit()
            return connection.serialize()

    def _fill(self, connection: sqlite3.Connection, table: str) -> None:
        text = self._files.read_text(f"{table}.csv").removeprefix("\ufeff")  # as Excel begins one
        try:
            first = text.lstrip().partition("\n")[0]
            delimiter = max(self.DELIMITERS, key=first.count)
            columns, *rows = filter(None, csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
            typed = ", ".join(f"{self._quoted(column)} {self.TYPE}" for column in columns)
            places = ", ".join("?" * len(columns))
            connection.execute(f"CREATE TABLE {self._quoted(table)} ({typed})")
            insert = f"INSERT INTO {self._quoted(table)} VALUES ({places})"  # noqa: S608  # nosec B608 - quoted
            if delimiter == ";":
                rows = [[self.DECIMAL.sub(r"\1.\2", cell) for cell in row] for row in rows]
            connection.executemany(insert, rows)
        except (csv.Error, ValueError, sqlite3.Error) as error:
            raise SourceUnavailable(f"{table}.csv", f"no table: {type(error).__name__}") from None

    @staticmethod
    def _quoted(name: str) -> str:
        if not name.isidentifier():
            raise PolicyViolation("table", "tables and columns are named by letters, digits and _")
        return f'"{name}"'


class Tables:
    """The tables of one policy. One query is one statement, read-only, within time and size."""

    CSV: Final = "csv:///"
    SQLITE: Final = "sqlite:///"
    POSTGRESQL: Final = "postgresql://"

    def __init__(self, policy: Policy, settings: Settings) -> None:
        """Open nothing yet.

        Raises:
            ConfigurationError: The policy's database has none of the three forms.
        """
        self._timeout = settings.data_timeout_seconds
        self._limits = ResultLimits(settings.data_max_rows, settings.data_max_bytes)
        url = policy.database or ""
        self._is_offline = settings.use_fake_data and url.startswith(self.POSTGRESQL)
        self._reader = self._open(url, policy.tables) if url and not self._is_offline else None

    async def rows(self, query: str, *values: object) -> Sequence[Row]:
        """The rows of a SELECT as mappings from column to value.

        `values` take the places `$1`, `$2` ..., the same in every database. Never write a value
        into the query.

        Raises:
            PolicyViolation: It writes, is more than one statement, or wants something not granted.
            SourceUnavailable: No answer in time, too much of it, or an error of the database.
        """
        if self._is_offline:
            reason = "USE_FAKE_DATA is on and they are on a network"
            raise SourceUnavailable("reference tables", reason)
        if self._reader is None:
            raise PolicyViolation("table", "name a database in the agent's policy")
        started = time.perf_counter()
        seconds = Deadline.clamp(self._timeout)
        try:
            async with asyncio.timeout(seconds):
                rows = await self._reader.rows(query, values, seconds)
        except TimeoutError:
            reason = f"no whole answer within DATA_TIMEOUT_SECONDS={self._timeout:g}"
            raise SourceUnavailable("reference tables", reason) from None
        log.debug("rows_read", rows=len(rows), ms=round((time.perf_counter() - started) * 1000, 1))
        return rows

    def _open(self, url: str, granted: frozenset[str]) -> "SqliteTables | PostgresTables":
        if url.startswith(self.CSV):
            return CsvTables(Path(url.removeprefix(self.CSV)), granted, self._limits)
        if url.startswith(self.SQLITE):
            return SqliteTables(Path(url.removeprefix(self.SQLITE)), granted, self._limits)
        if url.startswith(self.POSTGRESQL):
            try:
                from .sql_postgres import PostgresTables  # noqa: PLC0415 - psycopg is an extra
            except ImportError:
                problem = f"an agent's policy names a PostgreSQL database: {Extra.remedy('postgres')}"
                raise ConfigurationError([problem]) from None
            return PostgresTables(url, granted, self._limits)
        forms = f"{self.CSV}folder, {self.SQLITE}file or {self.POSTGRESQL}user@host/name"
        raise ConfigurationError([f"an agent's policy: its database is none of {forms}"])
