"""Tests of `store` and `thread_ref`: how a store is chosen, its locks and keys; and of `advisory_locks`."""

import asyncio
import sys
from itertools import product

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from harness.errors import ConfigurationError, ThreadBusy
from harness.settings import Settings
from harness.storage.advisory_locks import AdvisoryLocks
from harness.storage.postgres_connection import Connection
from harness.storage.sqlite import Checkpoints
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.storage.test_store import keep, knows


async def locks_at(url: str) -> AdvisoryLocks:
    async def connect() -> Connection:
        return await Connection.connect(url, **Connection.options(url, 5))

    return AdvisoryLocks(connect, timeout_seconds=5)


async def held(locks: AdvisoryLocks) -> int:
    query = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'"
    row = await (await (await locks.connection()).execute(query)).fetchone()
    assert row is not None
    return int(row["n"])


async def test_a_name_that_comes_after_its_caller_left_is_given_back(database_url: str) -> None:
    locks = await locks_at(database_url)
    taking = asyncio.create_task(locks.acquire("name", 5))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    async with asyncio.timeout(5):
        while locks._background:
            await asyncio.wait(set(locks._background))
    assert await held(locks) == 0
    await locks.aclose()


async def test_a_lost_connection_is_made_again(database_url: str) -> None:
    locks = await locks_at(database_url)
    async with locks.lock("name", 0):
        assert await held(locks) == 1
        await (await locks.connection()).close()
    async with locks.lock("name", 0):
        assert await held(locks) == 1
    assert await held(locks) == 0
    await locks.aclose()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", "memory"),
        ("sqlite:///var/threads.sqlite", "sqlite"),
        ("postgresql://someone@localhost/threads", "postgresql"),
    ],
)
def test_the_address_chooses_the_store(url: str, kind: str) -> None:
    assert Checkpoints.open(Settings(database_url=url)).kind == kind


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "harness.storage.postgres", raising=False)
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: install the extra \[postgres\]"):
        Checkpoints.open(Settings(database_url="postgresql://someone@localhost/threads"))


async def test_who_comes_first_is_served_first() -> None:
    locks = MemoryStore()
    served = []

    async def serve(number: int) -> None:
        async with locks.lock("name", 5):
            served.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(serve(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]


async def test_a_free_name_is_held_without_any_wait() -> None:
    async with MemoryStore().lock("name", 0):
        pass


async def test_who_waited_too_long_is_told_how_long() -> None:
    locks = MemoryStore()
    async with locks.lock("name", 0):
        with pytest.raises(ThreadBusy, match=r"0.01 s: TURN_WAIT_SECONDS"):
            async with locks.lock("name", 0.01):
                pytest.fail("held twice")
    async with locks.lock("name", 0):
        pass


async def test_names_that_nobody_holds_are_forgotten() -> None:
    locks = MemoryStore()
    for number in range(100):
        async with locks.lock(f"name {number}", 0):
            assert len(locks._locks) == 1
    assert len(locks._locks) == 0


async def test_a_caller_between_a_release_and_the_next_waiter_waits_no_longer_than_it_may() -> None:
    """Earned by a bound that held only for a lock that was locked: one just released is not."""
    locks = MemoryStore()
    release = asyncio.Event()

    async def second() -> None:
        async with locks.lock("name", 5):
            await release.wait()

    async with locks.lock("name", 5):
        waiter = asyncio.create_task(second())
        await asyncio.sleep(0)  # first in line
    # The name is released, and the second has not been woken yet.
    try:
        with pytest.raises(ThreadBusy):
            async with asyncio.timeout(5), locks.lock("name", 0.01):
                pytest.fail("held twice")
    finally:
        release.set()
        await waiter


async def test_threads_are_forgotten_with_the_store() -> None:
    async with MemoryStore() as store:
        await keep(store, "t1")
        assert await knows(store, "t1")
    async with MemoryStore() as store:
        assert not await knows(store, "t1")


OWNERS = (PUBLIC, "a" * 32, "b" * 32)


def test_no_two_conversations_share_a_place_in_the_store() -> None:
    made = [ThreadRef(thread, owner) for thread, owner in product(("t", "u", "a" * 32), OWNERS)]
    assert len({it.key for it in made}) == len(made)


def test_no_two_owners_share_a_find_reply() -> None:
    keys = ("k", "a" * 32, f"{'a' * 32}:k", "k k".replace(" ", "!"))
    made = [ThreadRef("t", owner).request_key(key) for key, owner in product(keys, OWNERS)]
    assert len(set(made)) == len(made)


def test_callers_without_a_name_keep_what_they_had_before_there_were_names() -> None:
    assert ThreadRef("t1", PUBLIC).key == "t1"
    assert ThreadRef("t1", PUBLIC).request_key("k") == "k"


def test_a_place_in_the_store_names_its_owner() -> None:
    for owner in OWNERS:
        made = ThreadRef("t-1", owner)
        assert ThreadRef.from_key(made.key) == made


@pytest.mark.parametrize("name", ["writer", "a b", "a:b"])
def test_a_companion_belongs_to_its_conversation_and_is_none_itself(name: str) -> None:
    for owner in OWNERS:
        thread = ThreadRef("t-1", owner)
        assert ThreadRef.from_key(thread.companion(name)) == thread
        assert ThreadRef.root(thread.companion(name)) == ThreadRef.root(thread.key) == thread.key
        assert thread.companion(name) not in {ThreadRef(it, owner).key for it in ("t-1", name)}


async def test_a_server_that_only_lets_us_read_locks_for_nobody(database_url: str) -> None:
    locks = await locks_at(database_url)
    connection = await locks.connection()
    await connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(ReadOnlySqlTransaction):
        await locks.acquire("name", 5)
    assert connection.closed
    async with locks.lock("name", 0):  # over a new one, to whoever is behind the address by then
        assert await held(locks) == 1
    await locks.aclose()
