"""Server processes that count together in one Redis: nothing slips through, and a Redis that hangs holds nobody up."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import PATIENCE_SECONDS, Process, processes
from tests.support.servers import Redis

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows pauses no server")

QUOTA = 50
ASKED = 200
QUESTION = {"message": "How many moons has Mars?"}
STOCK_SECONDS = 5
"""How long redis-py 8 itself waits for a server that hangs."""

SETTINGS = {
    "DATABASE_URL": "memory://",
    "RATE_ADDRESS_PER_MINUTE": "0",
    "QUOTA_CALLER_DAY_MESSAGES": str(QUOTA),  # without authentication all callers are one
}


@pytest.mark.checklist("COST-2", "COST-3")
@pytest.mark.slow
async def test_of_200_messages_at_once_over_two_processes_exactly_the_quota_is_served(
    redis_server: Redis, tmp_path: Path
) -> None:
    shared = {
        "REDIS_URL": redis_server.url.removesuffix("0") + "7",  # a database of this test's own
        "REDIS_TIMEOUT_SECONDS": "10",
        "REQUESTS_MAX_WAITING": "1000",
    }
    with processes(2, {**SETTINGS, **shared}, tmp_path) as started:
        answers = await ask_at_once(started, ASKED)
    assert Counter(it.status_code for it in answers) == {200: QUOTA, 429: ASKED - QUOTA}
    for answer in answers:
        if answer.status_code == 429:
            assert "caller-day-messages" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) >= 1


async def ask_at_once(started: Sequence[Process], count: int) -> Sequence[httpx2.Response]:
    """So many messages, one process after the other, all under way together."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits) as client:
        urls = [str(started[n % len(started)].client.base_url) for n in range(count)]
        return await asyncio.gather(*(client.post(f"{url}/v1/chat", json=QUESTION) for url in urls))


@pytest.mark.checklist("COST-2")
@pytest.mark.slow
def test_while_redis_hangs_each_message_is_decided_at_once_and_afterwards_redis_counts_again(
    mortal_redis: Redis, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "REDIS_URL": mortal_redis.url, "LIMITS_WITHOUT_REDIS": "refuse"}
    with processes(1, settings, tmp_path) as (service,):
        assert service.client.post("/v1/chat", json=QUESTION).status_code == 200
        mortal_redis.pause()
        try:
            for _ in range(3):
                began = time.monotonic()
                answer = service.client.post("/v1/chat", json=QUESTION)
                assert answer.status_code == 503
                assert time.monotonic() - began < STOCK_SECONDS
        finally:
            mortal_redis.resume()
        last = time.monotonic() + PATIENCE_SECONDS
        while service.client.get("/readyz").json()["limits"]["redis_away"]:
            assert time.monotonic() < last
            time.sleep(0.05)
        assert service.client.post("/v1/chat", json=QUESTION).status_code == 200
