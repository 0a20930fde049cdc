"""Tests of `sql` and `sql_csv`."""

import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigurationError, PolicyViolation, SourceUnavailable
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.sql import Authorizer, CsvTables, ResultLimits, Tables

FOR_EVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000000) SELECT max(n) FROM c"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text("name,price\nhelmet,39.90\nlock,24\n", encoding="utf-8")
    (tmp_path / "staff.csv").write_text("name\nplanted\n", encoding="utf-8")
    return tmp_path


def tables(database: str | None, **settings: Any) -> Tables:
    policy = Policy(database=database, tables=frozenset({"prices"}))
    return Tables(policy, Settings(**settings))


async def test_csv_files_of_a_folder_are_read_by_their_names(folder: Path) -> None:
    rows = await tables(f"csv:///{folder.as_posix()}").rows("SELECT price FROM prices WHERE name = $1", "helmet")
    assert rows == [{"price": 39.9}]


@pytest.mark.checklist("SCN-3")
async def test_a_table_that_the_policy_does_not_name_is_refused(folder: Path) -> None:
    with pytest.raises(PolicyViolation) as refusal:
        await tables(f"csv:///{folder.as_posix()}").rows("SELECT name FROM sqlite_master")
    assert refusal.value.kind == "table"


async def test_rows_and_time_are_the_settings(folder: Path) -> None:
    url = f"csv:///{folder.as_posix()}"
    with pytest.raises(SourceUnavailable, match="DATA_MAX_ROWS=1"):
        await tables(url, data_max_rows=1).rows("SELECT name FROM prices")
    with pytest.raises(SourceUnavailable, match="DATA_TIMEOUT_SECONDS"):
        await tables(url, data_timeout_seconds=0.05).rows(FOR_EVER)


async def test_a_file_of_sqlite_is_opened_at_the_first_query(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="SQLITE_CANTOPEN"):
        await tables(f"sqlite:///{(tmp_path / 'gone.sqlite').as_posix()}").rows("SELECT 1")


async def test_without_a_database_every_query_is_refused() -> None:
    with pytest.raises(PolicyViolation, match="name a database"):
        await tables(None).rows("SELECT 1")


@pytest.mark.parametrize("url", ["mysql://host/name", "data/prices.csv", "sqlite://x", "file:///x"])
def test_another_form_of_address_stops_the_start_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is none of csv:///folder") as problem:
        tables(url)
    assert url not in str(problem.value)


@pytest.mark.checklist("CFG-2")
async def test_with_fake_data_no_database_on_a_network_is_asked() -> None:
    url = "postgresql://reader@127.0.0.1:1/shop"
    with pytest.raises(SourceUnavailable, match="USE_FAKE_DATA is on"):
        await tables(url, use_fake_data=True).rows("SELECT 1")
    with pytest.raises(SourceUnavailable, match="OperationalError"):  # asked: nothing listens
        await tables(url, use_fake_data=False).rows("SELECT 1")


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harness.sources.sql_postgres", None)
    with pytest.raises(ConfigurationError, match="install the extra .postgres."):
        tables("postgresql://reader@127.0.0.1:1/shop", use_fake_data=False)


def test_rows_up_to_both_limits_are_given_by_column() -> None:
    limits = ResultLimits(max_rows=2, max_bytes=4)
    assert limits.apply(["a", "b"], [("xy", 1), ("zw", None)]) == [{"a": "xy", "b": 1}, {"a": "zw", "b": None}]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("x", 1)] * 3, "more than DATA_MAX_ROWS=2"),
        ([("xyz", 1), ("zw", 1)], "more than DATA_MAX_BYTES=4"),
        ([(b"xyzvw", 1)], "more than DATA_MAX_BYTES=4"),
    ],
)
def test_more_is_refused_whole_so_that_no_part_is_taken_for_everything(
    rows: list[tuple[object, int]], reason: str
) -> None:
    with pytest.raises(SourceUnavailable, match=reason):
        ResultLimits(max_rows=2, max_bytes=4).apply(["a", "b"], rows)


PRICES = 'name,price,note\nhelmet,39.90,"two\nlines, quoted"\n\nlock,24,\n'


@pytest.fixture
def csv_folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text(PRICES, encoding="utf-8-sig", newline="")
    (tmp_path / "staff.csv").write_text("name,salary\nplanted,31337\n", encoding="utf-8")
    return tmp_path


def read(csv_folder: Path, query: str, *values: object, tables: str = "prices") -> list[dict[str, Any]]:
    made = CsvTables(csv_folder, frozenset(tables.split()), ResultLimits(10, 1000))
    return made.read(query, values, time.monotonic() + 30)


def test_a_file_is_a_table_whose_figures_are_numbers(csv_folder: Path) -> None:
    assert read(csv_folder, "SELECT * FROM prices WHERE price < $1 ORDER BY price", 100) == [
        {"name": "lock", "price": 24, "note": ""},
        {"name": "helmet", "price": 39.9, "note": "two\nlines, quoted"},
    ]


@pytest.mark.checklist("SCN-3")
@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM staff",
        "DELETE FROM prices",
        "CREATE TABLE mine (x)",
        "SELECT * FROM sqlite_master",
        "PRAGMA query_only=OFF",
        "SELECT 1; SELECT 2",
    ],
)
def test_what_is_not_granted_is_refused_and_the_files_stay(csv_folder: Path, query: str) -> None:
    with pytest.raises((PolicyViolation, SourceUnavailable)):
        read(csv_folder, query)
    assert "helmet" in (csv_folder / "prices.csv").read_text(encoding="utf-8-sig")


def test_without_the_authorizer_the_tables_are_still_read_only(
    csv_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Authorizer, "__call__", lambda *_: sqlite3.SQLITE_OK)
    for write in ("DELETE FROM prices", "CREATE TABLE mine (x)", "DROP TABLE prices"):
        with pytest.raises(PolicyViolation):
            read(csv_folder, write)


def test_the_files_are_read_once(csv_folder: Path) -> None:
    made = CsvTables(csv_folder, frozenset({"prices"}), ResultLimits(10, 1000))
    query, last = "SELECT count(*) AS n FROM prices", time.monotonic() + 30
    assert made.read(query, [], last) == [{"n": 2}]
    (csv_folder / "prices.csv").unlink()
    assert made.read(query, [], last) == [{"n": 2}]


@pytest.mark.parametrize(
    "text",
    ["", "name\n1,2\n", 'name\n"open\n', "name,name\n1,2\n", "name\n" + "x" * 2000 + "\n"],
    ids=["empty", "a column too many", "an open quote", "a column twice", "too large"],
)
def test_a_file_that_is_no_table_is_an_unavailable_source(csv_folder: Path, text: str) -> None:
    (csv_folder / "prices.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceUnavailable):
        read(csv_folder, "SELECT * FROM prices")


@pytest.mark.parametrize("tables", ["gone", "../prices", "prices;drop"])
def test_a_table_without_a_proper_file_is_refused(csv_folder: Path, tables: str) -> None:
    with pytest.raises((SourceUnavailable, PolicyViolation)):
        read(csv_folder, "SELECT 1", tables=tables)


def test_a_column_that_is_no_name_is_refused(csv_folder: Path) -> None:
    (csv_folder / "prices.csv").write_text('x" TEXT); DROP TABLE prices; --\n1\n', encoding="utf-8")
    with pytest.raises(PolicyViolation, match="letters, digits"):
        read(csv_folder, "SELECT 1")


@pytest.mark.parametrize("text", ["name;price\nhelmet;39,90\n", "name\tprice\nhelmet\t39.90\n"])
def test_a_table_may_have_the_marks_that_spreadsheets_write(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.csv").write_text(text, encoding="utf-8")
    assert read(tmp_path, "SELECT price FROM prices") == [{"price": 39.9}]
