"""Counts in a real Redis: exact in a race, the same for all processes, and bounded waits when it hangs."""

import asyncio
import sys
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from harness.errors import ConfigurationError, LimitsUnavailable
from harness.limits.redis_counters import RedisCounters
from harness.settings import Settings
from tests.conftest import Lines
from tests.harness.limits.counts import limit
from tests.support.servers import Redis


def counters(server: Redis, **changes: object) -> RedisCounters:
    patient = {"redis_timeout_seconds": 10.0}  # on a busy machine
    return RedisCounters(Settings(**patient | changes), server.url)  # type: ignore[arg-type] # settings


async def test_exactly_the_limit_is_let_through_in_a_race_of_several_processes(
    redis_server: Redis,
) -> None:
    processes = [counters(redis_server) for _ in range(3)]
    narrow = limit(50, key="race", seconds=86_400)
    wide = limit(1000, key="race wide", seconds=86_400)
    verdicts = await asyncio.gather(
        *(processes[number % 3].acquire([wide, narrow]) for number in range(500))
    )
    assert sum(not it.refused for it in verdicts) == 50
    (left,) = (await processes[0].acquire([limit(1000, key="race wide", seconds=86_400)])).rooms
    assert left.left == 1000 - 51
    for each in processes:
        await each.aclose()


async def test_it_counts_as_a_process_alone_does(redis_server: Redis) -> None:
    one = counters(redis_server)
    daily = limit(3, key="same", seconds=86_400)
    verdicts = [await one.acquire([daily]) for _ in range(4)]
    assert [it.rooms[0].left for it in verdicts] == [2, 1, 0, 0]
    assert verdicts[3].refused
    assert 0 < verdicts[3].refused.reset_seconds <= 86_400
    await one.add([limit(3, key="same", seconds=86_400, amount=-9)])
    assert (await one.acquire([daily])).rooms[0].left == 2
    assert (await one.acquire([limit(3, key="same", seconds=86_400, amount=9)])).refused
    observed = await one.acquire([limit(3, key="same", seconds=86_400, amount=9)], even_beyond=True)
    assert observed.refused
    assert (await one.acquire([daily])).refused
    await one.aclose()


async def test_a_sliding_window_holds_a_part_of_the_one_before(redis_server: Redis) -> None:
    one = counters(redis_server)
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


async def test_a_redis_that_hangs_costs_one_short_wait_and_then_none(
    hanging_redis: Redis, lines: Lines
) -> None:
    one = counters(hanging_redis, redis_timeout_seconds=0.05)
    started = time.monotonic()
    verdicts = [await one.acquire([limit(2, seconds=86_400)]) for _ in range(3)]
    assert time.monotonic() - started < 1
    assert [bool(it.refused) for it in verdicts] == [False, False, True]  # it counts for itself
    assert one.is_away
    await one.add([limit(2, seconds=86_400, amount=-2)], verdicts[0])
    assert not (await one.acquire([limit(2, seconds=86_400)])).refused
    await one.aclose()


async def test_without_redis_everything_is_refused_where_the_setting_says_so(
    hanging_redis: Redis,
) -> None:
    refuse = {"redis_timeout_seconds": 0.05, "limits_without_redis": "refuse"}
    one = counters(hanging_redis, **refuse)
    for _ in range(2):
        with pytest.raises(LimitsUnavailable):
            await one.acquire([limit(2)])
    observed = await one.acquire([limit(2)], even_beyond=True)  # nothing is refused
    assert not observed.refused
    await one.add([limit(2)])
    await one.aclose()


async def test_what_was_reserved_here_is_settled_here_when_redis_is_back(
    mortal_redis: Redis,
) -> None:
    one, other = counters(mortal_redis, redis_timeout_seconds=0.05), counters(mortal_redis)
    daily = limit(10, key="settled", seconds=86_400, amount=5)
    await other.acquire([daily])
    mortal_redis.pause()
    here = await one.acquire([daily])
    mortal_redis.resume()
    one._away_until = 0
    await one.add([daily.with_amount(-5)], here)
    assert (await other.acquire([daily.with_amount(0)])).rooms[
        0
    ].left == 5  # of others nothing was given back
    assert (await one._local.acquire([daily.with_amount(0)])).rooms[0].left == 10
    await asyncio.gather(one.aclose(), other.aclose())


async def test_what_redis_gave_is_not_given_back_here(mortal_redis: Redis) -> None:
    one, other = counters(mortal_redis, redis_timeout_seconds=0.05), counters(mortal_redis)
    daily = limit(10, key="given", seconds=86_400, amount=5)
    there = await other.acquire([daily])
    mortal_redis.pause()
    await one.acquire([daily])
    await one.add([daily.with_amount(-5)], there)
    await one.add([daily.with_amount(1)], there)
    mortal_redis.resume()
    assert (await one._local.acquire([daily.with_amount(0)])).rooms[0].left == 4
    await asyncio.gather(one.aclose(), other.aclose())


async def test_a_settlement_that_redis_does_not_take_is_no_failure(hanging_redis: Redis) -> None:
    one = counters(hanging_redis, redis_timeout_seconds=0.05)
    await one.add([limit(2)])
    assert one.is_away
    await one.aclose()


@pytest.mark.parametrize("url", ["http://:hunter2@localhost", "redis://:hunter2@localhost:x/0"])
def test_an_address_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL") as refused:
        RedisCounters(Settings(redis_url=SecretStr(url)), url)
    assert "hunter2" not in str(refused.value)


def test_without_the_package_the_setting_and_the_remedy_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    settings = Settings(redis_url=SecretStr("redis://localhost/0"))
    with pytest.raises(ConfigurationError, match=r"REDIS_URL.*\[redis\]"):
        RedisCounters(settings, "redis://localhost/0")
