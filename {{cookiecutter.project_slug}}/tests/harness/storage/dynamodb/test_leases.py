"""Locks across processes: one has it, a crash gives it back, and who lost it saves nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from contextvars import Context

import pytest

from harness.errors import StoreUnavailable, ThreadBusy
from harness.settings import Settings
from harness.storage.dynamodb.leases import Lease, Leases
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Store
from tests.harness.storage.test_store import keep, knows, run_that_degrades

Two = tuple[Store, Store]

pytestmark = pytest.mark.slow


@pytest.fixture
async def stores(dynamodb_url: str) -> AsyncIterator[Two]:
    settings = Settings(database_url=dynamodb_url)
    async with Checkpoints.open(settings) as one, Checkpoints.open(settings) as other:
        yield one, other


async def test_one_of_two_processes_has_a_name_and_gives_it_back(stores: Two) -> None:
    one, other = stores
    async with one.lock("name", 0):
        for seconds in (0, 0.3):
            with pytest.raises(ThreadBusy):
                async with other.lock("name", seconds):
                    pytest.fail("held twice")
        async with other.lock("another", 0):
            waiting = asyncio.create_task(enter(other, "name"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
    assert await waiting < Leases.SECONDS  # it was told, and did not wait for the end of the lease


async def enter(store: Store, name: str) -> float:
    """How long it took to have it, seconds."""
    start = time.monotonic()
    async with store.lock(name, 30):
        return time.monotonic() - start


async def test_a_lease_is_renewed_as_long_as_its_holder_lives(stores: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leases, "SECONDS", 1.0)
    monkeypatch.setattr(Leases, "RENEWAL_SECONDS", 0.2)
    one, other = stores
    with run_that_degrades() as status:
        async with one.lock("name", 0):
            with pytest.raises(ThreadBusy):
                async with other.lock("name", 3.0):
                    pytest.fail("held twice")
            await status.confirm()


async def test_a_lease_whose_holder_died_is_over_and_its_holder_saves_nothing(
    stores: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Leases, "SECONDS", 1.0)
    one, other = stores
    async with AsyncExitStack() as dead:
        status = dead.enter_context(run_that_degrades())
        await dead.enter_async_context(one.lock("thread t", 0))  # RENEWAL_SECONDS is longer: as if it stood still
        took = await asyncio.create_task(enter(other, "thread t"), context=Context())  # of another run
        assert took >= 0.9
        with pytest.raises(StoreUnavailable, match="lock was lost"):
            await status.confirm()
        await keep(one, "t")
        assert status.failed
    assert not await knows(other, "t")


async def test_who_lost_a_lease_does_not_give_back_another_s(stores: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leases, "SECONDS", 0.5)
    one, other = stores
    async with AsyncExitStack() as second:
        async with one.lock("name", 0):
            await second.enter_async_context(other.lock("name", 10))
        with pytest.raises(ThreadBusy):
            async with one.lock("name", 0):
                pytest.fail("held twice")


@pytest.mark.parametrize("clock", [0, 1])
async def test_a_machine_that_was_paused_knows_by_either_clock(clock: int) -> None:
    now = list(Lease.clocks())
    now[clock] -= Leases.SECONDS
    with pytest.raises(StoreUnavailable):
        await Lease("name", "token", 0, (now[0], now[1])).confirm()
    await Lease("name", "token", 0, Lease.clocks()).confirm()
