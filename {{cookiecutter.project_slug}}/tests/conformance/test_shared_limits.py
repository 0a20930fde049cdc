"""Processes that count in one Redis: nothing slips through, slow or not, and one that hangs holds nobody up."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
import pytest

from tests.support.callers import ANA, by
from tests.support.peers.slow_proxy import SlowProxy
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
        "REQUESTS_MAX_WAITING": "1000",
    }
    with processes(2, {**SETTINGS, **shared}, tmp_path) as started:
        answers = await ask_at_once(started, ASKED, ASKED)
    assert Counter(it.status_code for it in answers) == {200: QUOTA, 429: ASKED - QUOTA}
    for answer in answers:
        if answer.status_code == 429:
            assert "caller-day-messages" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.checklist("COST-2", "COST-3")
@pytest.mark.slow
@pytest.mark.parametrize(("own_bound", "at_once"), [("0", 140), ("16", 8)])
async def test_while_redis_is_slow_and_strangers_knock_no_message_beyond_the_quota_is_served(
    redis_server: Redis, tmp_path: Path, own_bound: str, at_once: int
) -> None:
    quota = 30
    keys = tmp_path / "keys.toml"
    keys.write_text(ANA.record.line, encoding="utf-8")
    async with SlowProxy("127.0.0.1", redis_server.port, seconds=0.3).running() as proxy:
        changed = {
            "REDIS_URL": f"redis://127.0.0.1:{proxy.port}/{at_once % 16}",
            "AUTHENTICATION": "keys",
            "API_KEYS_FILE": str(keys),
            "RATE_CALLER_PER_MINUTE": "0",
            "RATE_ADDRESS_PER_MINUTE": "100000",
            "QUOTA_CALLER_DAY_MESSAGES": str(quota),
            "CALLER_MAX_RUNNING": own_bound,
            "REDIS_TIMEOUT_SECONDS": "30",
        }
        with processes(2, {**SETTINGS, **changed}, tmp_path) as started:
            answers, strangers = await asyncio.gather(
                ask_at_once(started, 140, at_once, by(ANA)), ask_at_once(started, 200, 200)
            )
            ready = [process.client.get("/readyz").json()["limits"] for process in started]
    assert {it.status_code for it in strangers} == {401}
    assert Counter(it.status_code for it in answers) == {200: quota, 429: 140 - quota}
    assert not any(it["redis_away"] for it in ready)


async def ask_at_once(
    started: Sequence[Process], count: int, at_once: int, headers: Mapping[str, str] | None = None
) -> Sequence[httpx2.Response]:
    """So many messages, one process after the other, some under way together."""
    limits = httpx2.Limits(max_connections=at_once)
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits, headers=headers) as client:
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
