import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import PolicyViolation, SourceUnavailable
from harness.sources.sql import Authorizer, CsvTables, ResultLimits

PRICES = 'name,price,note\nhelmet,39.90,"two\nlines, quoted"\n\nlock,24,\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text(PRICES, encoding="utf-8-sig", newline="")
    (tmp_path / "staff.csv").write_text("name,salary\nplanted,31337\n", encoding="utf-8")
    return tmp_path


def read(folder: Path, query: str, *values: object, tables: str = "prices") -> list[dict[str, Any]]:
    made = CsvTables(folder, frozenset(tables.split()), ResultLimits(10, 1000))
    return made.read(query, values, time.monotonic() + 30)


def test_a_file_is_a_table_whose_figures_are_numbers(folder: Path) -> None:
    assert read(folder, "SELECT * FROM prices WHERE price < $1 ORDER BY price", 100) == [
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
def test_what_is_not_granted_is_refused_and_the_files_stay(folder: Path, query: str) -> None:
    with pytest.raises((PolicyViolation, SourceUnavailable)):
        read(folder, query)
    assert "helmet" in (folder / "prices.csv").read_text(encoding="utf-8-sig")


def test_without_the_authorizer_the_tables_are_still_read_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Authorizer, "__call__", lambda *_: sqlite3.SQLITE_OK)
    for write in ("DELETE FROM prices", "CREATE TABLE mine (x)", "DROP TABLE prices"):
        with pytest.raises(PolicyViolation):
            read(folder, write)


def test_the_files_are_read_once(folder: Path) -> None:
    made = CsvTables(folder, frozenset({"prices"}), ResultLimits(10, 1000))
    query, last = "SELECT count(*) AS n FROM prices", time.monotonic() + 30
    assert made.read(query, [], last) == [{"n": 2}]
    (folder / "prices.csv").unlink()
    assert made.read(query, [], last) == [{"n": 2}]


@pytest.mark.parametrize(
    "text",
    ["", "name\n1,2\n", 'name\n"open\n', "name,name\n1,2\n", "name\n" + "x" * 2000 + "\n"],
    ids=["empty", "a column too many", "an open quote", "a column twice", "too large"],
)
def test_a_file_that_is_no_table_is_an_unavailable_source(folder: Path, text: str) -> None:
    (folder / "prices.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceUnavailable):
        read(folder, "SELECT * FROM prices")


@pytest.mark.parametrize("tables", ["gone", "../prices", "prices;drop"])
def test_a_table_without_a_proper_file_is_refused(folder: Path, tables: str) -> None:
    with pytest.raises((SourceUnavailable, PolicyViolation)):
        read(folder, "SELECT 1", tables=tables)


def test_a_column_that_is_no_name_is_refused(folder: Path) -> None:
    (folder / "prices.csv").write_text('x" TEXT); DROP TABLE prices; --\n1\n', encoding="utf-8")
    with pytest.raises(PolicyViolation, match="letters, digits"):
        read(folder, "SELECT 1")
