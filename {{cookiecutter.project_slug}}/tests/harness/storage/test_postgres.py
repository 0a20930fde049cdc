"""Tests of `postgres` and `postgres_connection`: what only a server can do.

It can be missing, be slow, go away, come back, be shared.
"""

import asyncio
import os
import signal
import socket

import psycopg
import pytest

from harness.errors import ConfigurationError, StoreUnavailable, ThreadBusy
from harness.storage.postgres import PostgresStore
from harness.storage.postgres_connection import Connection
from tests.harness.storage.test_store import keep, knows, run_that_degrades
from tests.support.peers.forwarder import Forwarder
from tests.support.servers import Postgres

PATIENCE_SECONDS = 5


def store_at(url: str, pool_size: int = 3) -> PostgresStore:
    return PostgresStore(url, pool_size, timeout_seconds=PATIENCE_SECONDS)


async def test_a_server_that_cannot_be_reached_is_refused_without_its_password() -> None:
    password = "hunter" + "2-4711"
    with pytest.raises(ConfigurationError, match="DATABASE_URL: cannot use PostgreSQL") as refused:
        async with store_at(f"postgresql://someone:{password}@127.0.0.1:1/threads"):
            pytest.fail("opened")
    assert "127.0.0.1, database threads" in str(refused.value)
    assert password not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__


async def test_a_database_that_does_not_exist_is_refused(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL.*does not exist"):
        async with store_at(f"{database_url}_nowhere"):
            pytest.fail("opened")


async def test_several_processes_may_start_on_an_empty_database_at_once(database_url: str) -> None:
    stores = [store_at(database_url, pool_size=1) for _ in range(4)]
    async with asyncio.timeout(PATIENCE_SECONDS * 4):
        await asyncio.gather(*(store.__aenter__() for store in stores))
        for number, store in enumerate(stores):
            await keep(store, f"t{number}")
        assert await knows(stores[0], "t3")
        await asyncio.gather(*(store.__aexit__(None, None, None) for store in stores))


async def test_a_start_waits_for_the_process_that_makes_the_tables_and_then_gives_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresStore, "MIGRATION_SECONDS", 0.1)
    async with store_at(database_url) as store, store._advisory.lock(PostgresStore.MIGRATION, 0):
        with pytest.raises(ConfigurationError, match="DATABASE_URL: another process"):
            async with store_at(database_url):
                pytest.fail("opened")


async def test_a_name_is_held_across_processes(database_url: str) -> None:
    async with store_at(database_url) as one, store_at(database_url) as other:
        async with one.lock("name", 0):
            with pytest.raises(ThreadBusy):
                async with other.lock("name", 0.1):
                    pytest.fail("held twice")
            async with other.lock("another name", 0):
                pass
        async with other.lock("name", 0):
            pass


async def test_a_waiting_process_gets_the_name_when_it_is_given_back(database_url: str) -> None:
    async with store_at(database_url) as one, store_at(database_url) as other:
        entered = asyncio.Event()

        async def wait() -> None:
            async with other.lock("name", PATIENCE_SECONDS):
                entered.set()

        async with one.lock("name", 0):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            assert not entered.is_set()
        await waiting
        assert entered.is_set()


async def test_the_names_of_a_process_that_dies_are_free(database_url: str) -> None:
    one, other = store_at(database_url), store_at(database_url)
    async with one, other, one.lock("name", 0):
        await (await one._advisory.connection()).close()  # as the kernel does for a killed one
        async with other.lock("name", PATIENCE_SECONDS):
            pass


async def test_more_readers_than_connections_are_served_side_by_side(database_url: str) -> None:
    async with store_at(database_url, pool_size=2) as store:
        await keep(store, "t")
        assert all(await asyncio.gather(*(knows(store, "t") for _ in range(20))))
        assert store._pool.get_stats()["pool_max"] == 2


async def test_a_server_that_is_away_is_told_and_found_again(mortal_postgres: Postgres) -> None:
    url = mortal_postgres.make_database("threads")
    async with PostgresStore(url, pool_size=3, timeout_seconds=0.5) as store:
        await keep(store, "before")
        mortal_postgres.stop(signal.SIGKILL)
        assert not await store.is_healthy()
        with pytest.raises(StoreUnavailable):
            await knows(store, "before")
        with pytest.raises(StoreUnavailable):
            async with store.lock("name", 0):
                pytest.fail("held")
        with run_that_degrades() as saving:
            async with store.lock("name", 0):
                assert saving.failed
                assert not await knows(store, "before")
                assert await store.find_reply("key") is None
        mortal_postgres.start()
        assert await knows(store, "before")  # the first request after it is back
        assert await store.is_healthy()
        async with store.lock("name", 0):
            await keep(store, "after")
        assert await knows(store, "after")


async def test_pooled_connections_that_died_meanwhile_are_not_handed_out(mortal_postgres: Postgres) -> None:
    async with store_at(mortal_postgres.make_database("threads")) as store:
        await keep(store, "t")
        await asyncio.gather(*(knows(store, "t") for _ in range(9)))  # the pool is full
        mortal_postgres.stop(signal.SIGQUIT)
        mortal_postgres.start()
        assert all(await asyncio.gather(*(knows(store, "t") for _ in range(9))))


async def test_a_server_that_hangs_is_not_waited_for(mortal_postgres: Postgres) -> None:
    url = mortal_postgres.make_database("threads")
    async with PostgresStore(url, pool_size=2, timeout_seconds=0.2) as store:
        await keep(store, "t")
        mortal_postgres.pause()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert not await store.is_healthy()
                with run_that_degrades() as saving:
                    async with store.lock("name", 0.2):
                        assert saving.failed
        finally:
            mortal_postgres.resume()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await store.is_healthy():  # noqa: ASYNC110  # a server tells nobody
                await asyncio.sleep(0.05)


async def test_a_connection_says_how_long_it_waits_unless_its_address_does() -> None:
    options = Connection.options("postgresql://a@b/c?connect_timeout=9&target_session_attrs=any", 0.5)
    assert {"connect_timeout", "target_session_attrs"}.isdisjoint(options)
    assert options["tcp_user_timeout"] == 500
    assert Connection.options("postgresql://a@b/c", 0.5)["connect_timeout"] == 1


async def test_an_answer_that_does_not_come_closes_its_connection(database_url: str) -> None:
    connection = await Connection.connect(database_url, **Connection.options(database_url, 5))
    connection.answer_seconds = 0.05
    with pytest.raises(psycopg.OperationalError, match="no answer in 0.05 s"):
        await connection.execute("SELECT pg_sleep(5)")
    assert connection.closed


async def test_a_caller_who_leaves_does_not_wait_for_the_server(database_url: str) -> None:
    connection = await Connection.connect(database_url, **Connection.options(database_url, 5))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connection.execute("SELECT pg_sleep(5)")
    assert connection.closed


async def test_both_sides_ask_whether_the_other_is_still_there(database_url: str) -> None:
    async with store_at(database_url) as store:
        connection = await store._advisory.connection()
        row = await (await connection.execute("SHOW tcp_keepalives_idle")).fetchone()
        assert row == {"tcp_keepalives_idle": str(Connection.KEEPALIVE_SECONDS)}
        idle = socket.socket(fileno=os.dup(connection.fileno()))
        with idle:
            assert idle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_tables_may_take_longer_to_make_than_an_answer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = PostgresStore.tables()
    monkeypatch.setattr(PostgresStore, "tables", lambda _: [*tables, "SELECT pg_sleep(0.4)"])
    async with PostgresStore(database_url, pool_size=1, timeout_seconds=0.2) as store:
        assert (await store._advisory.connection()).answer_seconds == 0.2
        await keep(store, "t")


async def test_after_a_silence_the_first_run_is_saved_over_connections_of_then(
    postgres_server: Postgres, database_url: str
) -> None:
    with Forwarder(postgres_server.port).running() as name:
        url = database_url.replace(str(name.target), str(name.port))
        async with PostgresStore(url, pool_size=3, timeout_seconds=0.5) as store:
            await keep(store, "t")
            await asyncio.gather(*(knows(store, "t") for _ in range(9)))  # the pool is full
            name.silence()
            assert not await store.is_healthy()
            name.speak()  # to new connections
            with run_that_degrades() as status:
                async with store.lock("name", 0):
                    await keep(store, "after")
                assert not status.failed
            assert await knows(store, "after")
