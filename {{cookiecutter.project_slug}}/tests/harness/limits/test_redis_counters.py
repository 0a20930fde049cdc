"""Counts in Redis: exact in a race and while it is slow; gone on with here while it is away, and handed over."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from pydantic import SecretStr

from harness.errors import ConfigurationError, LimitsUnavailable
from harness.limits.redis_counters import RedisCounters
from harness.settings import Settings
from tests.conftest import Lines
from tests.harness.limits.test_counters import limit
from tests.support.peers.slow_proxy import SlowProxy
from tests.support.servers import Redis

DAY = 86_400  # seconds


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
    await one.add([limit(2, seconds=86_400, amount=-2)])
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


async def back(one: RedisCounters) -> None:
    """Wait until Redis counts again."""
    async with asyncio.timeout(30):
        while one.is_away:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def hang(server: Redis, one: RedisCounters) -> None:
    """With no connection open: what was sent before would be done, and count twice, when it goes on."""
    await one._redis.connection_pool.disconnect()
    server.pause()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked again without a pause."""
    monkeypatch.setattr(RedisCounters, "PAUSE_SECONDS", 0.01)


@pytest.mark.usefixtures("at_once")
async def test_while_redis_is_away_counting_goes_on_from_the_last_count_and_redis_gets_it(mortal_redis: Redis) -> None:
    one, other = shared(mortal_redis, redis_timeout_seconds=0.05), shared(mortal_redis)
    daily = limit(10, key="went on", seconds=DAY)
    for counters in (one, other, one):
        await counters.acquire([daily])
    await hang(mortal_redis, one)
    decisions = [await one.acquire([daily]) for _ in range(8)]
    assert [bool(it.refused) for it in decisions] == [False] * 7 + [True]
    await one.add([replace(daily, amount=-2)])  # of the ten
    mortal_redis.resume()
    await back(one)
    assert (await other.acquire([replace(daily, amount=0)])).remaining[0].left == 2
    assert (await one.acquire([replace(daily, amount=0)])).remaining[0].left == 2
    await asyncio.gather(one.aclose(), other.aclose())


@pytest.mark.usefixtures("at_once")
async def test_what_is_owed_stays_owed_while_redis_is_still_away(mortal_redis: Redis) -> None:
    one, other = shared(mortal_redis, redis_timeout_seconds=0.05), shared(mortal_redis)
    daily, rate = limit(10, key="owed", seconds=DAY), limit(10, key="a rate", is_sliding=True)
    await one.acquire([daily])
    await hang(mortal_redis, one)
    for _ in range(3):
        await one.acquire([daily, rate])
        await asyncio.sleep(0.15)  # tries in between
    mortal_redis.resume()
    await back(one)
    assert (await other.acquire([replace(daily, amount=0)])).remaining[0].left == 6
    assert (await other.acquire([replace(rate, amount=0)])).remaining[0].left == 10
    await asyncio.gather(one.aclose(), other.aclose())


@pytest.fixture
async def slow_redis(redis_server: Redis) -> AsyncIterator[SlowProxy]:
    async with SlowProxy("127.0.0.1", redis_server.port, seconds=0.2).running() as proxy:
        yield proxy


def through(proxy: SlowProxy, **changes: object) -> RedisCounters:
    url = f"redis://127.0.0.1:{proxy.port}/0"
    return RedisCounters(Settings(**{"redis_timeout_seconds": 2.0} | changes), url)  # type: ignore[arg-type] # settings


async def test_a_slow_redis_is_waited_for_and_not_away(slow_redis: SlowProxy) -> None:
    workers = [through(slow_redis), through(slow_redis)]
    daily, strangers = limit(30, key="slow", seconds=DAY), limit(10_000, key="strangers", is_sliding=True)
    asked = [workers[n % 2].acquire([daily]) for n in range(140)]
    knocking = [workers[n % 2].acquire([strangers]) for n in range(200)]  # more than there are connections
    decisions = (await asyncio.gather(*asked, *knocking))[:140]
    assert sum(not it.refused for it in decisions) == 30
    assert not any(it.is_away for it in workers)
    await asyncio.gather(*(it.aclose() for it in workers))


async def test_a_loop_that_stands_still_does_not_take_that_for_silence(redis_server: Redis) -> None:
    one = shared(redis_server, redis_timeout_seconds=0.2)
    await one.acquire([limit(9, key="still", seconds=DAY)])
    asked = asyncio.ensure_future(one.acquire([limit(9, key="still", seconds=DAY)]))
    await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0.001)
        time.sleep(0.5)  # noqa: ASYNC251 - the point
    assert (await asked).remaining[0].left == 7
    assert not one.is_away
    await one.aclose()


async def test_what_nobody_waited_for_is_given_back(slow_redis: SlowProxy) -> None:
    daily = limit(9, key="given up", seconds=DAY)
    async with (
        aclosing(through(slow_redis, request_timeout_seconds=0.1)) as hasty,
        aclosing(through(slow_redis)) as one,
    ):
        with pytest.raises(LimitsUnavailable):
            await hasty.acquire([daily])
        assert not (await hasty.acquire([daily], count_only=True)).refused  # observed: nothing is refused
        left = asyncio.ensure_future(one.acquire([daily]))
        await asyncio.sleep(0)
        left.cancel()
        slow_redis.seconds = 0
        async with asyncio.timeout(30):
            while hasty._tasks or one._tasks:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.01)
        assert (await one.acquire([replace(daily, amount=0)])).remaining[0].left == 9
        assert not hasty.is_away


async def test_keys_expire(redis_server: Redis) -> None:
    one = shared(redis_server)
    await one.acquire([limit(9, key="over some day", seconds=DAY), limit(9, key="over soon", is_sliding=True)])
    ages = {
        key.decode().split(":")[2]: await one._redis.ttl(key) for key in await one._redis.keys(f"{one._prefix}over*")
    }
    assert DAY < ages["over some day"] <= 2 * DAY
    assert 60 < ages["over soon"] <= 120
    await one.aclose()


async def test_one_that_became_a_replica_is_left_for_the_master_of_now(
    mortal_redis: Redis, redis_server: Redis
) -> None:
    daily = limit(9, key="failed over", seconds=DAY)
    async with (
        SlowProxy("127.0.0.1", mortal_redis.port, seconds=0).running() as name,
        aclosing(through(name)) as one,
        aclosing(shared(mortal_redis)) as operator,
    ):
        await one.acquire([daily])
        await operator._redis.replicaof("127.0.0.1", redis_server.port)
        name.target = "127.0.0.1", redis_server.port
        assert not (await one.acquire([daily])).refused
        assert not one.is_away


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
