"""What is slow takes its own places and no more; whoever finds none is told at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from harness.errors import Overloaded, RateLimitExceeded
from harness.limits.concurrency import ConcurrencyLimiter, PerCallerLimiter
from harness.limits.rate_limiter import RateLimiter
from harness.settings import Settings

LONG_SECONDS = 30


@asynccontextmanager
async def held(limiter: ConcurrencyLimiter) -> AsyncIterator[None]:
    async with limiter.acquire(LONG_SECONDS):
        yield


async def test_a_call_beyond_places_and_queue_is_refused_at_once() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    entered = asyncio.Event()

    async def wait() -> None:
        async with limiter.acquire(LONG_SECONDS):
            entered.set()

    async with held(limiter):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="model"):
            async with limiter.acquire(LONG_SECONDS):
                pass
        assert not entered.is_set()

    await waiting
    assert entered.is_set()


async def test_who_waits_for_a_place_too_long_is_refused_and_leaves_the_queue() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    async with held(limiter):
        for _ in range(3):  # a place in the queue that was not given back would refuse the second
            with pytest.raises(Overloaded, match="model"):
                async with asyncio.timeout(LONG_SECONDS), limiter.acquire(0.01):
                    pass

    async with held(limiter):
        assert limiter.waiting == 0


async def test_a_failed_call_gives_its_place_back() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=0)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with held(limiter):
                raise KeyError


def per_caller(**changes: object) -> PerCallerLimiter:
    settings = Settings(**changes)  # type: ignore[arg-type] # settings
    return PerCallerLimiter(settings, RateLimiter(settings))


@pytest.mark.checklist("COST-2")
def test_one_message_more_than_allowed_is_refused_and_holds_no_place() -> None:
    limited = per_caller(caller_max_running=2)
    with limited.acquire("one"):
        with limited.acquire("one"):
            for _ in range(3):
                with (
                    pytest.raises(RateLimitExceeded, match="caller-running"),
                    limited.acquire("one"),
                ):
                    pytest.fail("let in")
            with limited.acquire("other"):
                pass
        with limited.acquire("one"):
            pass


def test_a_message_that_fails_gives_its_place_back() -> None:
    limited = per_caller(caller_max_running=1)
    with pytest.raises(RuntimeError), limited.acquire("one"):
        raise RuntimeError
    with limited.acquire("one"):
        pass
    assert not limited._running


@pytest.mark.parametrize(
    ("owner", "changes"),
    [
        ("", {"caller_max_running": 1}),
        ("one", {"caller_max_running": 0}),
        ("one", {"caller_max_running": 1, "limits": "observe"}),
        ("one", {"caller_max_running": 1, "limits": "off"}),
    ],
)
def test_nobody_is_held_without_a_name_or_where_nothing_is_enforced(
    owner: str, changes: dict[str, object]
) -> None:
    limited = per_caller(**changes)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(limited.acquire(owner))
