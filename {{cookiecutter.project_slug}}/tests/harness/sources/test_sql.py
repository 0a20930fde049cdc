import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigurationError, PolicyViolation, SourceUnavailable
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.sql import ResultLimits, Tables

FOR_EVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text("name,price\nhelmet,39.90\nlock,24\n", encoding="utf-8")
    (tmp_path / "staff.csv").write_text("name\nplanted\n", encoding="utf-8")
    return tmp_path


def tables(database: str | None, **settings: Any) -> Tables:
    policy = Policy(database=database, tables=frozenset({"prices"}))
    return Tables(policy, Settings(**settings))


async def test_csv_files_of_a_folder_are_read_by_their_names(folder: Path) -> None:
    rows = await tables(f"csv:///{folder.as_posix()}").rows(
        "SELECT price FROM prices WHERE name = $1", "helmet"
    )
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
    with pytest.raises(ConfigurationError, match="install the extra `postgres`"):
        tables("postgresql://reader@127.0.0.1:1/shop", use_fake_data=False)


def test_rows_up_to_both_limits_are_given_by_column() -> None:
    limits = ResultLimits(max_rows=2, max_bytes=4)
    assert limits.apply(["a", "b"], [("xy", 1), ("zw", None)]) == [
        {"a": "xy", "b": 1},
        {"a": "zw", "b": None},
    ]


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
