"""Reads reference tables. What may not be read is refused by the database, not by reading SQL."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

import structlog

from ..errors import ConfigurationError, PolicyViolation, SourceUnavailable
from ..limits.deadline import Deadline
from ..settings import Settings
from .policy import Policy
from .sql_csv import CsvTables
from .sql_limits import ResultLimits
from .sql_sqlite import SqliteTables

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]


class Reader(Protocol):
    """One database, opened so that it refuses what the policy does not name."""

    async def rows(self, query: str, values: Sequence[object], seconds: float) -> Sequence[Row]:
        """What `query` gives, as `Tables.rows` says."""
        ...


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
        self._policy = policy
        self._timeout = settings.data_timeout_seconds
        self._limits = ResultLimits(settings.data_max_rows, settings.data_max_bytes)
        self._is_offline = settings.use_fake_data
        self._reader = self._reader_of(policy.database) if policy.database else None

    async def rows(self, query: str, *values: object) -> Sequence[Row]:
        """The rows of a SELECT as mappings from column to value.

        `values` take the places `$1`, `$2` ..., the same in every database. Never write a value
        into the query.

        Raises:
            PolicyViolation: It writes, is more than one statement, or wants something not granted.
            SourceUnavailable: No answer in time, too much of it, or an error of the database.
        """
        if self._reader is None:
            raise PolicyViolation("table", "name a database in the agent's policy")
        started = perf_counter()
        seconds = Deadline.clamp(self._timeout)
        try:
            async with asyncio.timeout(seconds):
                rows = await self._reader.rows(query, values, seconds)
        except TimeoutError:
            raise SourceUnavailable("reference tables", self._late) from None
        log.debug("rows_read", rows=len(rows), ms=round((perf_counter() - started) * 1000, 1))
        return rows

    @property
    def _late(self) -> str:
        return f"no whole answer within DATA_TIMEOUT_SECONDS={self._timeout:g}"

    def _reader_of(self, url: str) -> Reader:
        granted = self._policy.tables
        if url.startswith(self.CSV):
            return CsvTables(Path(url.removeprefix(self.CSV)), granted, self._limits)
        if url.startswith(self.SQLITE):
            return SqliteTables(Path(url.removeprefix(self.SQLITE)), granted, self._limits)
        if url.startswith(self.POSTGRESQL):
            if self._is_offline:
                return Offline()
            return self._postgres(url, granted)
        forms = f"{self.CSV}folder, {self.SQLITE}file or {self.POSTGRESQL}user@host/name"
        raise ConfigurationError([f"an agent's policy: its database is none of {forms}"])

    def _postgres(self, url: str, granted: frozenset[str]) -> Reader:
        try:
            from .sql_postgres import PostgresTables  # noqa: PLC0415 - psycopg is an extra
        except ImportError:
            problem = "an agent's policy names a PostgreSQL database: install the extra `postgres`"
            raise ConfigurationError([problem]) from None
        return PostgresTables(url, granted, self._limits)


class Offline:
    """What USE_FAKE_DATA leaves of a database on a network."""

    async def rows(self, query: str, values: Sequence[object], seconds: float) -> Sequence[Row]:
        """Nothing.

        Raises:
            SourceUnavailable: Always.
        """
        raise SourceUnavailable("reference tables", "USE_FAKE_DATA is on and they are on a network")
