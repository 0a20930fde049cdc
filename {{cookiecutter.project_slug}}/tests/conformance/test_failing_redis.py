"""A Redis that is demoted or lost behind its name: the service goes over to the one that the name leads to."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.support.peers.forwarder import Forwarder
from tests.support.servers import ADDRESS, Redis

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no server is started on Windows"),
    pytest.mark.checklist("COST-2"),
]

QUESTION = {"message": "How many moons has Mars?"}
PATIENCE_SECONDS = 10
QUOTA = 100


@pytest.fixture
def name(mortal_redis: Redis) -> Iterator[Forwarder]:
    with Forwarder(mortal_redis.port).running() as forwarder:
        yield forwarder


@pytest.fixture
async def client(door: Door, name: Forwarder) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings(
        database_url="memory://",
        redis_url=f"redis://{ADDRESS}:{name.port}/0",
        limits_without_redis="refuse",
        rate_address_per_minute=0,
        quota_caller_day_messages=QUOTA,
    )
    yield await door.open(settings)
    await door.close()


async def statuses(client: httpx2.AsyncClient, count: int) -> set[int]:
    answers = await asyncio.gather(*(client.post("/v1/chat", json=QUESTION) for _ in range(count)))
    return {it.status_code for it in answers}


async def counts_again(client: httpx2.AsyncClient) -> None:
    last = time.monotonic() + PATIENCE_SECONDS
    while await statuses(client, 1) != {200}:
        assert time.monotonic() < last
        await asyncio.sleep(0.1)
    assert await statuses(client, 8) == {200}
    assert not (await client.get("/readyz")).json()["limits"]["redis_away"]


@pytest.mark.parametrize("stale_data", ["yes", pytest.param("no", marks=pytest.mark.slow)])
async def test_after_a_failover_the_promoted_one_counts(
    client: httpx2.AsyncClient, name: Forwarder, mortal_redis: Redis, stale_data: str
) -> None:
    with Redis().running() as other:
        assert await statuses(client, 8) == {200}  # connections to the one that is demoted
        mortal_redis.tell("CONFIG", "SET", "replica-serve-stale-data", stale_data)
        name.target = other.port
        mortal_redis.tell("REPLICAOF", ADDRESS, str(other.port))  # it lives on, and so do they
        await counts_again(client)
        assert b"$-1" not in other.tell("RANDOMKEY")


@pytest.mark.slow
async def test_a_host_that_is_lost_without_a_word_is_given_up_and_found_again(
    client: httpx2.AsyncClient, name: Forwarder
) -> None:
    assert await statuses(client, 8) == {200}
    name.silence()
    began = time.monotonic()
    assert await statuses(client, 8) == {503}
    assert time.monotonic() - began < PATIENCE_SECONDS
    name.speak()  # to new connections
    await counts_again(client)
