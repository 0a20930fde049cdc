"""Tables that are CSV files: small reference data kept as text, beside what it belongs to."""

import csv
import sqlite3
from contextlib import closing
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Final

from ..errors import PolicyViolation, SourceUnavailable
from .files import Folder
from .sql_limits import ResultLimits
from .sql_sqlite import SqliteTables


class CsvFolder(Folder):
    """The CSV files of a folder."""

    SUFFIXES = frozenset({".csv"})


class CsvTables(SqliteTables):
    """Reads CSV files as SQLite reads its own: `prices.csv` is the table `prices`.

    The first line names the columns, and figures are numbers. The files are read at the first query
    and kept until a restart; each query has its own copy in memory, so nothing is written anywhere.
    """

    TYPE: Final = "NUMERIC"
    """Of every column: SQLite then stores `4.90` as a number and other text as it is."""

    def __init__(self, folder: Path, granted: frozenset[str], limits: ResultLimits) -> None:
        """Take the files in `folder` that `granted` names."""
        super().__init__(folder, granted, limits)
        self._files = CsvFolder(folder, limits.max_bytes)
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
            columns, *rows = filter(None, csv.reader(StringIO(text, newline=""), strict=True))
            typed = ", ".join(f"{self._quoted(column)} {self.TYPE}" for column in columns)
            places = ", ".join("?" * len(columns))
            connection.execute(f"CREATE TABLE {self._quoted(table)} ({typed})")
            insert = f"INSERT INTO {self._quoted(table)} VALUES ({places})"  # noqa: S608  # nosec B608 - quoted
            connection.executemany(insert, rows)
        except (csv.Error, ValueError, sqlite3.Error) as error:
            raise SourceUnavailable(f"{table}.csv", f"no table: {type(error).__name__}") from None

    @staticmethod
    def _quoted(name: str) -> str:
        if not name.isidentifier():
            raise PolicyViolation("table", "tables and columns are named by letters, digits and _")
        return f'"{name}"'
