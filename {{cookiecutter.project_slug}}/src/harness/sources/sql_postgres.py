"""Tables in PostgreSQL: a role that can read them and nothing else, in a read-only transaction."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, AsyncRawServerCursor, errors

from ..errors import PolicyViolation, SourceUnavailable
from ..storage.postgres_connection import BoundedConnection
from .sql import ResultLimits, Row


class PostgresTables:
    """Reads over a connection a query: what one sets, another does not find.

    The query is the body of a cursor (`DECLARE ... FOR`): PostgreSQL itself takes nothing but one
    SELECT there, and gives no more rows than are fetched. The role decides what it may read; a role
    that may do more than the policy says is refused before its first query.
    """

    MORE_THAN_GRANTED: Final = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    """Whether the role may do more than the policy says."""

    SCHEMA: Final = "public"
    """Of a table that is granted without one."""

    REFUSED: Final = (
        errors.InsufficientPrivilege,
        errors.ReadOnlySqlTransaction,
        errors.SyntaxError,  # what is no SELECT, or more than one
        errors.FeatureNotSupported,  # a SELECT that changes data in its WITH
        errors.UndefinedTable,
    )

    def __init__(self, url: str, granted: frozenset[str], limits: ResultLimits) -> None:
        self._url = url
        self._granted = [it if "." in it else f"{self.SCHEMA}.{it}" for it in sorted(granted)]
        self._limits = limits
        self._is_checked = False

    async def rows(self, query: str, values: Sequence[object], seconds: float) -> Sequence[Row]:
        """The rows of `query`."""
        try:
            connection = await self._connected(seconds)
            async with connection:
                await self._check(connection)
                async with AsyncRawServerCursor(connection, "reference") as cursor:
                    await cursor.execute(query, values)
                    rows = await cursor.fetchmany(self._limits.max_rows + 1)
                    columns = [column.name for column in cursor.description or ()]
                    return self._limits.apply(columns, rows)
        except self.REFUSED:
            raise PolicyViolation("table", "one SELECT of tables that are granted") from None
        except errors.QueryCanceled:
            reason = "no whole answer within DATA_TIMEOUT_SECONDS"
            raise SourceUnavailable("table", reason) from None
        except psycopg.Error as error:
            raise SourceUnavailable("table", type(error).__name__) from None

    async def _connected(self, seconds: float) -> AsyncConnection[Any]:
        milliseconds = max(1, math.floor(seconds * 1000))
        connection: AsyncConnection[Any] = await BoundedConnection.connect(
            self._url,
            connect_timeout=math.ceil(seconds) + 1,  # at least 2 for libpq; the caller waits less
            options=f"-c statement_timeout={milliseconds}",
        )
        await connection.set_read_only(True)
        return connection

    async def _check(self, connection: AsyncConnection[Any]) -> None:
        if not self._is_checked:
            cursor = await connection.execute(self.MORE_THAN_GRANTED, [self._granted])
            row = await cursor.fetchone()
            if row is None or row[0]:
                raise PolicyViolation("table", "its role may do more than the policy says: revoke it")
            self._is_checked = True
