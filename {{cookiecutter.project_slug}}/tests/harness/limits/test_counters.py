"""Counts: all or none, by window, no longer in memory than they matter; and exact in Redis in a race."""

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from harness.errors import ConfigurationError, LimitsUnavailable
from harness.limits.counters import Limit, LocalCounters, RedisCounters
from harness.settings import Settings
from tests.conftest import Lines
from tests.support.servers import Redis

NOON = 1_800_000_000.0
"""A multiple of a minute; no multiple of a day."""


def limit(quota: int, *, key: str = "one", seconds: int = 60, **more: object) -> Limit:
    return Limit("test", key, quota, seconds, **more)  # type: ignore[arg-type] # the test's to get right


class Clock:
    """The wall clock, as the test sets it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


async def test_so_many_pass_in_a_window_and_no_more(clock: Clock) -> None:
    counters = LocalCounters()
    decisions = [await counters.acquire([limit(2)]) for _ in range(3)]
    assert [bool(it.refused) for it in decisions] == [False, False, True]
    assert [it.remaining[0].left for it in decisions] == [1, 0, 0]
    clock.now += 30
    late = await counters.acquire([limit(2)])
    assert late.refused
    assert late.refused.reset_seconds == 30
    clock.now += 30
    assert not (await counters.acquire([limit(2)])).refused


async def test_a_sliding_window_lets_no_double_burst_through_at_its_turn(clock: Clock) -> None:
    counters = LocalCounters()
    clock.now += 59
    for _ in range(10):
        assert not (await counters.acquire([limit(10, is_sliding=True)])).refused
    clock.now += 2
    assert (await counters.acquire([limit(10, is_sliding=True)])).refused
    clock.now += 29
    assert not (await counters.acquire([limit(10, is_sliding=True)])).refused


async def test_what_one_limit_refuses_is_taken_of_none(clock: Clock) -> None:
    counters = LocalCounters()
    wide, narrow = limit(10, key="wide"), limit(1, key="narrow")
    assert not (await counters.acquire([wide, narrow])).refused
    refused = (await counters.acquire([wide, narrow])).refused
    assert refused
    assert refused.limit == narrow
    assert (await counters.acquire([wide])).remaining[0].left == 8


async def test_beyond_the_limit_is_counted_where_it_is_only_observed(clock: Clock) -> None:
    counters = LocalCounters()
    decisions = [await counters.acquire([limit(1)], count_only=True) for _ in range(3)]
    assert decisions[2].refused
    await counters.add([limit(1, amount=-2)])
    assert (await counters.acquire([limit(1)])).refused
    await counters.add([limit(1, amount=-1)])
    assert not (await counters.acquire([limit(1)])).refused


async def test_more_given_back_than_was_taken_makes_no_credit(clock: Clock) -> None:
    counters = LocalCounters()
    await counters.add([limit(1, amount=-5)])
    assert not (await counters.acquire([limit(1)])).refused
    assert (await counters.acquire([limit(1)])).refused


async def test_windows_that_are_over_leave_the_memory(clock: Clock) -> None:
    counters = LocalCounters()
    for number in range(100):
        await counters.acquire([limit(1, key=f"stranger {number}")])
    assert len(counters._counts) == 100
    clock.now += 180
    await counters.acquire([limit(1)])
    assert len(counters._counts) == 1


async def test_of_passing_counts_the_last_used_stay(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalCounters, "MOST_PASSING", 2)
    counters = LocalCounters()
    for key in ("used again", "left", "used again", "new"):
        await counters.add([limit(1, key=key, is_passing=True)])
    await counters.add([limit(1, key="caller")])
    refused = {
        key: (await counters.acquire([limit(1, key=key, is_passing=key != "caller")])).refused
        for key in ("used again", "new", "caller", "left")
    }
    assert [key for key, room in refused.items() if room] == ["used again", "new", "caller"]


def shared(server: Redis, **changes: object) -> RedisCounters:
    patient = {"redis_timeout_seconds": 10.0}  # on a busy machine
    return RedisCounters(Settings(**patient | changes), server.url)  # type: ignore[arg-type] # settings


async def test_exactly_the_limit_is_let_through_in_a_race_of_several_processes(redis_server: Redis) -> None:
    processes = [shared(redis_server) for _ in range(3)]
    narrow = limit(50, key="race", seconds=86_400)
    wide = limit(1000, key="race wide", seconds=86_400)
    decisions = await asyncio.gather(*(processes[number % 3].acquire([wide, narrow]) for number in range(500)))
    assert sum(not it.refused for it in decisions) == 50
    (left,) = (await processes[0].acquire([limit(1000, key="race wide", seconds=86_400)])).remaining
    assert left.left == 1000 - 51
    for each in processes:
        await each.aclose()


async def test_it_counts_as_a_process_alone_does(redis_server: Redis) -> None:
    one = shared(redis_server)
    daily = limit(3, key="same", seconds=86_400)
    decisions = [await one.acquire([daily]) for _ in range(4)]
    assert [it.remaining[0].left for it in decisions] == [2, 1, 0, 0]
    assert decisions[3].refused
    assert 0 < decisions[3].refused.reset_seconds <= 86_400
    await one.add([limit(3, key="same", seconds=86_400, amount=-9)])
    assert (await one.acquire([daily])).remaining[0].left == 2
    assert (await one.acquire([limit(3, key="same", seconds=86_400, amount=9)])).refused
    observed = await one.acquire([limit(3, key="same", seconds=86_400, amount=9)], count_only=True)
    assert observed.refused
    assert (await one.acquire([daily])).refused
    await one.aclose()


async def test_a_sliding_window_holds_a_part_of_the_one_before(redis_server: Redis) -> None:
    one = shared(redis_server)
    sliding = limit(1000, key="sliding", is_sliding=True, amount=600)
    assert not (await one.acquire([sliding])).refused
    window = int(time.time() // 60)
    name = f"{one._prefix}sliding:"
    for number in range(window - 2, window + 3):
        await one._redis.set(f"{name}{number}", 900)
    assert (await one.acquire([sliding])).refused
    await one._redis.delete(*(f"{name}{number}" for number in range(window - 2, window + 3)))
    assert not (await one.acquire([sliding])).refused
    await one.aclose()


@pytest.fixture
def hanging_redis(mortal_redis: Redis) -> Iterator[Redis]:
    mortal_redis.pause()
    yield mortal_redis
    mortal_redis.resume()


async def test_a_redis_that_hangs_costs_one_short_wait_and_then_none(hanging_redis: Redis, lines: Lines) -> None:
    one = shared(hanging_redis, redis_timeout_seconds=0.05)
    started = time.monotonic()
    decisions = [await one.acquire([limit(2, seconds=86_400)]) for _ in range(3)]
    assert time.monotonic() - started < 1
    assert [bool(it.refused) for it in decisions] == [False, False, True]  # it counts for itself
    assert one.is_away
    await one.add([limit(2, seconds=86_400, amount=-2)], decisions[0])
    assert not (await one.acquire([limit(2, seconds=86_400)])).refused
    await one.aclose()


async def test_without_redis_everything_is_refused_where_the_setting_says_so(hanging_redis: Redis) -> None:
    refuse = {"redis_timeout_seconds": 0.05, "limits_without_redis": "refuse"}
    one = shared(hanging_redis, **refuse)
    for _ in range(2):
        with pytest.raises(LimitsUnavailable):
            await one.acquire([limit(2)])
    observed = await one.acquire([limit(2)], count_only=True)  # nothing is refused
    assert not observed.refused
    await one.add([limit(2)])
    await one.aclose()


async def test_what_was_reserved_here_is_settled_here_when_redis_is_back(mortal_redis: Redis) -> None:
    one, other = shared(mortal_redis, redis_timeout_seconds=0.05), shared(mortal_redis)
    daily = limit(10, key="settled", seconds=86_400, amount=5)
    await other.acquire([daily])
    mortal_redis.pause()
    here = await one.acquire([daily])
    mortal_redis.resume()
    one._away_until = 0
    await one.add([replace(daily, amount=-5)], here)
    assert (await other.acquire([replace(daily, amount=0)])).remaining[0].left == 5  # of others nothing was given back
    assert (await one._local.acquire([replace(daily, amount=0)])).remaining[0].left == 10
    await asyncio.gather(one.aclose(), other.aclose())


async def test_what_redis_gave_is_not_given_back_here(mortal_redis: Redis) -> None:
    one, other = shared(mortal_redis, redis_timeout_seconds=0.05), shared(mortal_redis)
    daily = limit(10, key="given", seconds=86_400, amount=5)
    there = await other.acquire([daily])
    mortal_redis.pause()
    await one.acquire([daily])
    await one.add([replace(daily, amount=-5)], there)
    await one.add([replace(daily, amount=1)], there)
    mortal_redis.resume()
    assert (await one._local.acquire([replace(daily, amount=0)])).remaining[0].left == 4
    await asyncio.gather(one.aclose(), other.aclose())


async def test_a_settlement_that_redis_does_not_take_is_no_failure(hanging_redis: Redis) -> None:
    one = shared(hanging_redis, redis_timeout_seconds=0.05)
    await one.add([limit(2)])
    assert one.is_away
    await one.aclose()


@pytest.mark.parametrize("url", ["http://:hunter2@localhost", "redis://:hunter2@localhost:x/0"])
def test_an_address_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL") as refused:
        RedisCounters(Settings(redis_url=SecretStr(url)), url)
    assert "hunter2" not in str(refused.value)


def test_without_the_package_the_setting_and_the_remedy_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    settings = Settings(redis_url=SecretStr("redis://localhost/0"))
    with pytest.raises(ConfigurationError, match=r"REDIS_URL.*\[redis\]"):
        RedisCounters(settings, "redis://localhost/0")
