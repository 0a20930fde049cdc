"""A real file of SQLite: what its own authorizer and its read-only mode refuse."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.errors import PolicyViolation, SourceUnavailable
from harness.sources.sql import Authorizer, ResultLimits, SqliteTables

Rows = list[dict[str, Any]]

PATIENCE_SECONDS = 30.0
FOR_EVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000000) SELECT max(n) FROM c"
"""Some ten seconds: without a bound the test fails instead of hanging, as nothing can end a thread in SQLite."""

REFUSED = {
    "a write": "INSERT INTO prices VALUES ('x', 1)",
    "an update": "UPDATE prices SET price = 0",
    "a deletion": "DELETE FROM prices",
    "a write that answers": "DELETE FROM prices RETURNING name",
    "a dropped table": "DROP TABLE prices",
    "a new table": "CREATE TABLE mine (x)",
    "a temporary table": "CREATE TEMP TABLE mine AS SELECT * FROM prices",
    "another table": "SELECT * FROM staff",
    "another table in a subquery": "SELECT (SELECT max(salary) FROM staff) FROM prices",
    "another table in a union": "SELECT name, price FROM prices UNION SELECT name, salary FROM staff",
    "another table behind a comment": "SELECT * FROM/**/staff -- prices",
    "another table by a common table expression": "WITH prices AS (SELECT * FROM staff) SELECT * FROM prices",
    "another table under the name of a granted view": "WITH cheap AS (SELECT * FROM staff) SELECT * FROM cheap",
    "how many rows another table has": "SELECT count(*) FROM staff",
    "whether another table has a row": "SELECT 1 FROM staff",
    "a view on another table": "SELECT * FROM salaries",
    "the list of tables": "SELECT * FROM sqlite_master",
    "the list of tables, by its new name": "SELECT sql FROM sqlite_schema",
    "a second statement": "SELECT 1; DROP TABLE prices",
    "a second statement that reads": "SELECT 1; SELECT 2",
    "a pragma": "PRAGMA table_info(prices)",
    "a pragma that would let it write": "PRAGMA query_only=OFF",
    "a pragma as a function": "SELECT * FROM pragma_table_info('staff')",
    "another database": "ATTACH DATABASE '{beside}' AS beside",
    "a copy": "VACUUM INTO '{beside}'",
    "a library": "SELECT load_extension('libevil')",
    "a file": "SELECT readfile('/etc/passwd')",
    "a file that is written": "SELECT writefile('{beside}', 'x')",
    "a function that tells of the build": "SELECT sqlite_version()",
    "a block of memory": "SELECT zeroblob(1000000000)",
    "a write in a common table expression": "WITH d AS (DELETE FROM prices RETURNING *) SELECT * FROM d",
    "an explanation": "EXPLAIN SELECT * FROM staff",
    "a transaction": "BEGIN IMMEDIATE",
    "a value too few": "SELECT * FROM prices WHERE name = $1",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a folder" / "shop#1.sqlite"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("""
            CREATE TABLE Prices (name TEXT, price REAL);
            INSERT INTO Prices VALUES ('helmet', 39.9), ('lock', 24);
            CREATE TABLE staff (name TEXT, salary INT);
            INSERT INTO staff VALUES ('planted-name', 31337);
            CREATE VIEW salaries AS SELECT * FROM staff;
            CREATE VIEW cheap AS SELECT name FROM Prices WHERE price < 30;
            """)
    return file


Read = Callable[..., Rows]


@pytest.fixture
def read(file: Path) -> Read:
    """Reads `file`, of which `prices` and the view `cheap` are granted."""

    def read(query: str, *values: object, seconds: float = PATIENCE_SECONDS) -> Rows:
        tables = SqliteTables(file, frozenset({"prices", "cheap"}), ResultLimits(3, 1000))
        return tables.read(query, values, time.monotonic() + seconds)

    return read


@pytest.mark.parametrize(
    ("query", "values", "rows"),
    [
        ("SELECT name FROM prices WHERE price > $1", [30], [{"name": "helmet"}]),
        ("SELECT count(*) AS n FROM PRICES", [], [{"n": 2}]),
        ("SELECT name FROM prices WHERE name = $1", ["'; DROP TABLE prices; --"], []),
        ("SELECT $2 AS b, $1 AS a", ["x", 2], [{"b": 2, "a": "x"}]),
        ("WITH c AS (SELECT max(price) AS p FROM prices) SELECT p FROM c", [], [{"p": 39.9}]),
        ("SELECT name FROM cheap", [], [{"name": "lock"}]),
        ("SELECT upper(name) AS n FROM prices WHERE name LIKE 'h%'", [], [{"n": "HELMET"}]),
        ("VALUES (1)", [], [{"column1": 1}]),
    ],
)
def test_granted_tables_are_read_with_bound_values(read: Read, query: str, values: list[object], rows: Rows) -> None:
    assert read(query, *values) == rows


@pytest.mark.checklist("SCN-3", "PERM-2")
@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED.keys())
def test_sqlite_refuses(read: Read, file: Path, tmp_path: Path, query: str) -> None:
    content, beside = file.read_bytes(), tmp_path / "beside.sqlite"
    with pytest.raises((PolicyViolation, SourceUnavailable)) as refusal:
        read(query.replace("{beside}", str(beside)))
    assert "31337" not in str(refusal.value)
    assert file.read_bytes() == content
    assert not beside.exists()
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


@pytest.mark.checklist("SCN-3")
@pytest.mark.parametrize("query", [FOR_EVER, "SELECT a.name FROM prices AS a, (" + FOR_EVER + ") AS b"])
def test_a_query_that_runs_for_ever_ends_with_its_time(read: Read, query: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="no whole answer within"):
        read(query, seconds=0.05)
    assert time.monotonic() - started < PATIENCE_SECONDS


@pytest.mark.checklist("SCN-3")
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT a.name FROM prices AS a, prices AS b", "DATA_MAX_ROWS=3"),
        ("SELECT replace('aaaaaaaaaa', 'a', $1) AS x", "SQLITE_TOOBIG"),
        ("SELECT $1 AS a, $1 AS b, $1 AS c", "DATA_MAX_BYTES=1000"),
    ],
)
def test_an_answer_beyond_the_limits_is_none(read: Read, query: str, told: str) -> None:
    with pytest.raises(SourceUnavailable, match=told):
        read(query, *["x" * 500] * query.count("$1", 0, query.find("$1") + 2))


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "gone.sqlite"
    with pytest.raises(SourceUnavailable, match="SQLITE_CANTOPEN"):
        SqliteTables(file, frozenset(), ResultLimits(1, 1000)).read("SELECT 1", [], time.monotonic() + 9)
    assert not file.exists()


def test_without_the_authorizer_the_file_is_still_read_only(
    read: Read, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Authorizer, "__call__", lambda *_: sqlite3.SQLITE_OK)
    assert read("SELECT salary FROM staff") == [{"salary": 31337}]
    content = file.read_bytes()
    for write in ("DELETE FROM prices", "DROP TABLE prices", "CREATE TABLE mine (x)"):
        with pytest.raises(PolicyViolation):
            read(write)
    with pytest.raises(SourceUnavailable):  # no attached database: SQLITE_LIMIT_ATTACHED
        read("ATTACH DATABASE ':memory:' AS beside")
    assert file.read_bytes() == content


def test_an_authorizer_that_breaks_refuses(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("planted")

    monkeypatch.setattr(Authorizer, "__call__", broken)
    with pytest.raises(PolicyViolation):
        read("SELECT name FROM prices")
