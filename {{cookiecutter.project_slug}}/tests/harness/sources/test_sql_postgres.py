"""A real PostgreSQL and a role that may read one table: what the server refuses."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from harness.errors import PolicyViolation, SourceUnavailable
from harness.sources.sql import ResultLimits
from harness.sources.sql_postgres import PostgresTables
from tests.support.peers.forwarder import Forwarder

PATIENCE_SECONDS = 30.0
GRANTED = frozenset({"prices"})
FOR_EVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"

SHOP = """
    CREATE TABLE prices (name text, price numeric(10, 2));
    INSERT INTO prices VALUES ('helmet', 39.90), ('lock', 24);
    CREATE TABLE staff (name text, salary int);
    INSERT INTO staff VALUES ('planted-name', 31337);
    CREATE VIEW salaries AS SELECT * FROM staff;
    CREATE SEQUENCE numbers;
    CREATE FUNCTION wipe() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        AS 'DELETE FROM prices RETURNING 1::bigint';
    CREATE ROLE {role} LOGIN;
    GRANT SELECT ON prices TO {role};
    """

REFUSED = {
    "a write": "INSERT INTO prices VALUES ('x', 1)",
    "an update": "UPDATE prices SET price = 0 RETURNING *",
    "a deletion": "DELETE FROM prices",
    "a dropped table": "DROP TABLE prices",
    "an emptied table": "TRUNCATE prices",
    "a new table": "CREATE TABLE mine (x int)",
    "a temporary table": "CREATE TEMP TABLE mine (x int)",
    "a table out of a query": "SELECT * INTO mine FROM prices",
    "another table": "SELECT * FROM staff",
    "another table in a subquery": "SELECT (SELECT max(salary) FROM staff) FROM prices",
    "another table behind a comment": "SELECT * FROM/**/staff -- prices",
    "another table by a common table expression": "WITH prices AS (SELECT * FROM staff) SELECT * FROM prices",
    "a view on another table": "SELECT * FROM salaries",
    "how many rows another table has": "SELECT count(*) FROM staff",
    "a second statement": "SELECT 1; DROP TABLE prices",
    "a second statement that reads": "SELECT 1; SELECT 2",
    "the end of the transaction": "SELECT 1; COMMIT; DROP TABLE prices",
    "another transaction": "COMMIT",
    "a write in a common table expression": "WITH d AS (DELETE FROM prices RETURNING *) SELECT * FROM d",
    "a lock on rows": "SELECT * FROM prices FOR UPDATE",
    "a program": "COPY prices TO PROGRAM 'touch /tmp/owned'",
    "a program that is read": "COPY prices FROM PROGRAM 'id'",
    "a copy": "COPY (SELECT * FROM staff) TO STDOUT",
    "a file": "SELECT pg_read_file('/etc/passwd')",
    "a folder": "SELECT pg_ls_dir('.')",
    "a large object": "SELECT lo_import('/etc/passwd')",
    "another role": "SET ROLE postgres",
    "another mode": "SET TRANSACTION READ WRITE",
    "another mode by a function": "SELECT set_config('transaction_read_only', 'off', true)",
    "a number drawn": "SELECT nextval('numbers')",
    "a write in somebody's function": "SELECT wipe()",
    "a write after another mode": "SELECT set_config('transaction_read_only', 'off', true), wipe()",
    "a block of code": "DO $$ BEGIN PERFORM 1; END $$",
    "a new configuration": "SELECT pg_reload_conf()",
    "a value too few": "SELECT * FROM prices WHERE name = $1",
    "an explanation that runs": "EXPLAIN ANALYZE DELETE FROM prices",
}


class Shop:
    """A database, its owner, and the address of the role that may read `prices`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.role = f"reader_{urlsplit(url).path.removeprefix('/')}"
        self.reader_url = url.replace("postgres@", f"{self.role}@")

    async def do(self, statement: str) -> None:
        """Run what the owner says."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute(statement.replace("{role}", self.role).encode())

    async def content(self) -> Sequence[Any]:
        """Everything in the database, for a comparison."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 2200 ORDER BY 1"
            found = await (await connection.execute(tables)).fetchall()
            rows = await (await connection.execute("SELECT * FROM prices ORDER BY 1")).fetchall()
            number = await (await connection.execute("SELECT is_called FROM numbers")).fetchall()
            return [found, rows, number]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    shop = Shop(database_url)
    await shop.do(SHOP)
    yield shop
    await shop.do("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


Read = Callable[..., Awaitable[Sequence[Any]]]


@pytest.fixture
def read(shop: Shop) -> Read:
    async def read(
        query: str, *values: object, seconds: float = PATIENCE_SECONDS, url: str = shop.reader_url
    ) -> Sequence[Any]:
        return await PostgresTables(url, GRANTED, ResultLimits(3, 1000)).rows(query, values, seconds)

    return read


@pytest.mark.parametrize("name", ["prices", "public.prices"])
async def test_a_table_is_granted_with_or_without_its_schema(shop: Shop, name: str) -> None:
    tables = PostgresTables(shop.reader_url, frozenset({name}), ResultLimits(3, 1000))
    query = "SELECT count(*) AS n FROM public.prices"
    assert await tables.rows(query, [], PATIENCE_SECONDS) == [{"n": 2}]


@pytest.mark.parametrize("name", ["other.prices", "price", "Prices"])
async def test_another_name_grants_nothing(shop: Shop, name: str) -> None:
    tables = PostgresTables(shop.reader_url, frozenset({name}), ResultLimits(3, 1000))
    with pytest.raises(PolicyViolation):
        await tables.rows("SELECT count(*) AS n FROM prices", [], PATIENCE_SECONDS)


async def test_granted_tables_are_read_with_bound_values(read: Read) -> None:
    assert await read("SELECT name FROM prices WHERE price > $1", 30) == [{"name": "helmet"}]
    assert await read("SELECT name FROM prices WHERE name = $1", "'; DROP TABLE prices; --") == []
    assert await read("SELECT count(*) AS n FROM Prices") == [{"n": 2}]
    query = "SELECT name FROM prices WHERE $1 LIKE '%' || name || '%'"
    assert await read(query, "a lock?") == [{"name": "lock"}]


@pytest.mark.checklist("SCN-3", "PERM-2")
async def test_postgresql_refuses(shop: Shop, read: Read) -> None:
    before = await shop.content()
    for name, query in REFUSED.items():
        with pytest.raises((PolicyViolation, SourceUnavailable)) as refusal:
            pytest.fail(f"{name}: {await read(query)}")
        assert "31337" not in str(refusal.value), name
    assert await shop.content() == before


@pytest.mark.checklist("SCN-3")
@pytest.mark.parametrize("query", ["SELECT pg_sleep(60)", FOR_EVER], ids=["pg_sleep", "recursion"])
async def test_a_query_that_runs_for_ever_is_cancelled_by_the_server(read: Read, query: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="no whole answer within"):
        await read(query, seconds=0.1)
    assert time.monotonic() - started < PATIENCE_SECONDS


async def test_what_one_query_sets_the_next_one_does_not_find(read: Read) -> None:
    await read("SELECT set_config('statement_timeout', '0', false)")
    with pytest.raises(SourceUnavailable, match="no whole answer within"):
        await read("SELECT pg_sleep(60)", seconds=0.1)


@pytest.mark.checklist("SCN-3")
@pytest.mark.parametrize(
    ("query", "told"),
    [("SELECT generate_series(1, 1000000000)", "DATA_MAX_ROWS=3"), ("SELECT repeat('x', 1001)", "DATA_MAX_BYTES=1000")],
)
async def test_an_answer_beyond_the_limits_is_none(read: Read, query: str, told: str) -> None:
    with pytest.raises(SourceUnavailable, match=told):
        await read(query)


@pytest.mark.checklist("PERM-2")
@pytest.mark.parametrize(
    "more",
    [
        "GRANT INSERT ON prices TO {role}",
        "GRANT DELETE ON staff TO {role}",
        "GRANT SELECT ON staff TO {role}",
        "GRANT SELECT (salary) ON staff TO {role}",
        "GRANT SELECT ON salaries TO {role}",
        "GRANT SELECT ON staff TO PUBLIC",
        "ALTER ROLE {role} SUPERUSER",
        "ALTER ROLE {role} CREATEROLE",
        "GRANT pg_read_server_files TO {role}",
        "GRANT pg_execute_server_program TO {role}",
        "ALTER TABLE staff OWNER TO {role}",
    ],
)
async def test_a_role_that_may_do_more_than_the_policy_says_is_not_used(shop: Shop, read: Read, more: str) -> None:
    assert len(await read("SELECT * FROM prices")) == 2
    await shop.do(more)
    with pytest.raises(PolicyViolation, match="may do more than the policy says"):
        await read("SELECT * FROM prices")


async def test_a_server_that_is_away_is_an_unavailable_source_without_its_address() -> None:
    tables = PostgresTables("postgresql://reader:hunter2@127.0.0.1:1/shop", GRANTED, ResultLimits(3, 9))
    with pytest.raises(SourceUnavailable) as failure:
        await tables.rows("SELECT 1", [], PATIENCE_SECONDS)
    assert "hunter2" not in str(failure.value)
    assert failure.value.reason == "OperationalError"


async def test_a_host_that_is_lost_without_a_word_is_waited_for_no_longer_than_the_setting_says(shop: Shop) -> None:
    with Forwarder(urlsplit(shop.url).port or 0).running() as name:
        url = shop.reader_url.replace(str(name.target), str(name.port))
        tables = PostgresTables(url, GRANTED, ResultLimits(10, 10_000))
        assert await tables.rows("SELECT name FROM prices", [], 5)
        began = time.monotonic()
        asyncio.get_running_loop().call_later(0.2, name.silence)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tables.rows("SELECT pg_sleep(5), name FROM prices", [], 5), 0.5)
        assert time.monotonic() - began < 4  # psycopg itself asks the server for 10 s to cancel
