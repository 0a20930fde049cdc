"""What is slow takes its own places and no more; whoever finds none is told at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.errors import Overloaded
from harness.limits.concurrency import ConcurrencyLimiter

LONG_SECONDS = 30


@asynccontextmanager
async def held(bulkhead: ConcurrencyLimiter) -> AsyncIterator[None]:
    async with bulkhead.acquire(LONG_SECONDS):
        yield


async def test_a_call_beyond_places_and_queue_is_refused_at_once() -> None:
    bulkhead = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    entered = asyncio.Event()

    async def wait() -> None:
        async with bulkhead.acquire(LONG_SECONDS):
            entered.set()

    async with held(bulkhead):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="model"):
            async with bulkhead.acquire(LONG_SECONDS):
                pass
        assert not entered.is_set()

    await waiting
    assert entered.is_set()


async def test_who_waits_for_a_place_too_long_is_refused_and_leaves_the_queue() -> None:
    bulkhead = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    async with held(bulkhead):
        for _ in range(3):  # a place in the queue that was not given back would refuse the second
            with pytest.raises(Overloaded, match="model"):
                async with asyncio.timeout(LONG_SECONDS), bulkhead.acquire(0.01):
                    pass

    async with held(bulkhead):
        assert bulkhead.waiting == 0


async def test_a_failed_call_gives_its_place_back() -> None:
    bulkhead = ConcurrencyLimiter("model", max_running=1, max_waiting=0)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with held(bulkhead):
                raise KeyError
