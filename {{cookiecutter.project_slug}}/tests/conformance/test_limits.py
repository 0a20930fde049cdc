"""Rates and quotas at every door: by address before anybody is known, by caller, by conversation, by day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.limits.redis_counters import RedisCounters
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door, Lines
from tests.support.agents import TEST_AGENTS
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY, ScriptedModel
from tests.support.servers import Redis

QUESTION = {"message": "How many moons has Mars?"}
DOORS = [
    ("POST", "/v1/chat"),
    ("POST", "/v1/chat/stream"),
    ("GET", "/v1/threads/t1"),
    ("DELETE", "/v1/threads/t1"),
    ("GET", "/v1/agents"),
]


def settings(**changes: Any) -> Settings:
    return Settings(**{"database_url": "memory://"} | changes)


@asynccontextmanager
async def caller_at(door: Door, address: str, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(door.app, client=(address, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        yield client


def check_refusal(answer: httpx2.Response, limit: str) -> None:
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:problem:limit-reached"
    assert limit in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["ratelimit"].startswith(f'"{limit}";r=0;t=')


@pytest.mark.checklist("COST-2")
@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_an_address_that_asks_too_often_is_refused_at_every_door(door: Door, method: str, path: str) -> None:
    client = await door.open(settings(rate_address_per_minute=2))
    body = QUESTION if method == "POST" else None
    for _ in range(2):
        assert (await client.request(method, path, json=body)).status_code != 429
    check_refusal(await client.request(method, path, json=body), "address")
    async with caller_at(door, "192.0.2.77") as other:
        assert (await other.request(method, path, json=body)).status_code != 429


async def test_probes_are_not_counted(door: Door) -> None:
    client = await door.open(settings(rate_address_per_minute=1))
    for path in ("/healthz", "/readyz", "/version", "/metrics"):
        for _ in range(3):
            assert (await client.get(path)).status_code == 200


async def test_guessing_keys_is_refused_before_a_key_is_looked_at(door: Door, keys_file: Path, lines: Lines) -> None:
    client = await door.open(settings(authentication="keys", api_keys_file=keys_file, rate_address_per_minute=2))
    statuses = [(await client.get("/v1/agents", headers={"X-API-Key": f"guess{n}"})).status_code for n in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert len(lines.named("caller_refused")) == 2


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text("")
    return file


def new_key(file: Path, name: str) -> str:
    key = NewKey.make(name, [Scope.CHAT], None)
    with file.open("a") as lines:
        lines.write(f"{key.record.line}\n")
    return key.text


@pytest.mark.checklist("COST-2")
async def test_a_caller_is_held_to_its_rate_from_wherever_it_asks(door: Door, keys_file: Path) -> None:
    mine, yours = new_key(keys_file, "mine"), new_key(keys_file, "yours")
    await door.open(settings(authentication="keys", api_keys_file=keys_file, rate_caller_per_minute=2))
    answers = []
    for number in range(3):
        headers = {"Authorization": f"Bearer {mine}"}
        async with caller_at(door, f"192.0.2.{number}", **headers) as client:
            answers.append(await client.get("/v1/agents"))
    assert [it.status_code for it in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"caller";r=1;t=')
    check_refusal(answers[2], "caller")
    async with caller_at(door, "192.0.2.1", **{"X-API-Key": yours}) as client:
        assert (await client.get("/v1/agents")).status_code == 200


@pytest.mark.checklist("COST-2")
async def test_only_a_trusted_proxy_tells_who_asked(door: Door) -> None:
    await door.open(settings(rate_address_per_minute=1, trusted_proxies="10.0.0.0/8"))

    async def ask(address: str, forwarded: str) -> int:
        async with caller_at(door, address, **{"X-Forwarded-For": forwarded}) as client:
            return (await client.get("/v1/agents")).status_code

    assert await ask("192.0.2.9", "198.51.100.1") == 200
    assert await ask("192.0.2.9", "198.51.100.2") == 429  # its own address counts
    assert await ask("10.0.0.1", "198.51.100.7") == 200
    assert await ask("10.0.0.2", "198.51.100.8") == 200
    # What the caller itself put in front of what the proxy added counts for nothing.
    assert await ask("10.0.0.1", "203.0.113.5, 198.51.100.7") == 429


@pytest.mark.checklist("COST-2", "ABU-2")
async def test_new_addresses_of_one_ipv6_network_are_the_same_customer(door: Door) -> None:
    await door.open(settings(rate_address_per_minute=3, trusted_proxies="10.0.0.1"))
    statuses = []
    for number in range(6):
        forwarded = {"X-Forwarded-For": f"2001:db8::{number:x}:{number + 7:x}"}
        async with caller_at(door, "10.0.0.1", **forwarded) as client:
            statuses.append((await client.get("/v1/agents")).status_code)
    assert statuses == [200] * 3 + [429] * 3
    async with caller_at(door, "10.0.0.1", **{"X-Forwarded-For": "2001:db8:0:1::1"}) as client:
        assert (await client.get("/v1/agents")).status_code == 200


async def test_without_trusted_proxies_the_header_counts_for_nothing(door: Door) -> None:
    client = await door.open(settings(rate_address_per_minute=1))
    assert (await client.get("/v1/agents", headers={"X-Forwarded-For": "a"})).status_code == 200
    assert (await client.get("/v1/agents", headers={"X-Forwarded-For": "b"})).status_code == 429


@pytest.mark.checklist("COST-3")
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
async def test_messages_beyond_the_quota_of_a_conversation_are_refused_before_any_model_is_asked(
    door: Door, lines: Lines, path: str
) -> None:
    client = await door.open(settings(quota_thread_day_messages=2))
    for _ in range(2):
        assert (await client.post(path, json={**QUESTION, "thread_id": "t1"})).status_code == 200
    runs = len(lines.named("turn"))
    check_refusal(await client.post(path, json={**QUESTION, "thread_id": "t1"}), "thread-day-messages")
    assert len(lines.named("turn")) == runs
    assert (await client.post(path, json={**QUESTION, "thread_id": "t2"})).status_code == 200


async def test_a_find_reply_costs_nothing(door: Door) -> None:
    client = await door.open(settings(quota_caller_day_messages=1))
    for _ in range(3):
        again = await client.post("/v1/chat", json=QUESTION, headers={"Idempotency-Key": "k1"})
        assert again.status_code == 200
    check_refusal(await client.post("/v1/chat", json=QUESTION), "caller-day-messages")


@pytest.mark.checklist("COST-3")
@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        ({"quota_caller_day_tokens": 10}, "caller-day-tokens"),
        ({"quota_thread_day_usd": 0.00001}, "thread-day-usd"),
        ({"quota_service_day_usd": 0.00001}, "service-day-usd"),
    ],
)
async def test_tokens_and_money_are_counted_as_the_provider_bills_them(
    door: Door, quota: dict[str, Any], limit: str
) -> None:
    with OpenAIServer(ScriptedModel()) as server:
        roles = {
            "llm_model": "openai:scripted-agent",
            "llm_planner_model": "openai:scripted-planner",
            "llm_writer_model": "openai:scripted-writer",
        }
        prices = dict.fromkeys(roles.values(), (1, 2))
        client = await door.open(
            settings(
                **roles, **quota, llm_prices=prices, llm_base_url=server.url, llm_api_key=KEY, quota_reserved_tokens=0
            )
        )
        body = {**QUESTION, "thread_id": "t1"}
        first = (await client.post("/v1/chat", json=body)).json()
        assert first["usage"]["input_tokens"] + first["usage"]["output_tokens"] > 10
        asked = len(server.requests)
        check_refusal(await client.post("/v1/chat", json=body), limit)
        assert len(server.requests) == asked
        await door.close()


@pytest.mark.checklist("COST-2", "COST-3")
async def test_one_caller_is_held_by_all_processes_together(redis_server: Redis) -> None:
    """Two applications with counts of their own but for Redis."""
    shared = settings(
        redis_url=SecretStr(redis_server.url),
        redis_timeout_seconds=10,
        quota_caller_day_messages=5,
        rate_address_per_minute=1000,
    )
    one, other = Door(), Door()
    clients = [await one.open(shared, TEST_AGENTS), await other.open(shared, TEST_AGENTS)]
    ready = (await clients[0].get("/readyz")).json()["limits"]
    assert ready == {"mode": "enforce", "counted_in": "redis", "redis_away": False}
    answers = await asyncio.gather(*(clients[n % 2].post("/v1/chat", json=QUESTION) for n in range(12)))
    assert sorted(it.status_code for it in answers) == [200] * 5 + [429] * 7
    for door in (one, other):
        await door.close()


@pytest.mark.parametrize(("stand_in", "status"), [("local", 200), ("refuse", 503)])
async def test_while_redis_hangs_the_setting_decides_and_nobody_waits_long(
    door: Door, mortal_redis: Redis, monkeypatch: pytest.MonkeyPatch, stand_in: str, status: int
) -> None:
    monkeypatch.setattr(RedisCounters, "PAUSE_SECONDS", 60)  # longer than this test takes
    client = await door.open(
        settings(
            redis_url=SecretStr(mortal_redis.url),
            redis_timeout_seconds=0.05,
            limits_without_redis=stand_in,
            quota_caller_day_messages=1,
        )
    )
    mortal_redis.pause()
    try:
        answer = await client.post("/v1/chat", json=QUESTION)
        assert answer.status_code == status
        assert (await client.get("/readyz")).json()["limits"]["redis_away"]
        assert REGISTRY.get_sample_value("ready", {"part": "limits"}) == 0
        if stand_in == "local":
            check_refusal(await client.post("/v1/chat", json=QUESTION), "caller-day-messages")
        else:
            assert answer.json()["type"] == "urn:problem:limits-unavailable"
            assert answer.headers["retry-after"] == "2"
        await door.close()
    finally:
        mortal_redis.resume()


@pytest.mark.parametrize(("mode", "counted"), [("observe", 1), ("off", 0)])
async def test_limits_can_be_observed_before_they_are_enforced(
    door: Door, lines: Lines, mode: str, counted: int
) -> None:
    client = await door.open(settings(limits=mode, rate_address_per_minute=1))
    answers = [await client.get("/v1/agents") for _ in range(2)]
    assert [it.status_code for it in answers] == [200, 200]
    told = lines.named("limit_reached")
    assert [(it["limit"], it["mode"]) for it in told] == [("address", mode)] * counted


async def test_what_was_refused_is_counted(door: Door) -> None:
    client = await door.open(settings(rate_address_per_minute=1))

    async def count() -> float:
        text = (await client.get("/metrics")).text
        name = 'limits_reached_total{limit="address",mode="enforce"} '
        return sum(float(it.removeprefix(name)) for it in text.splitlines() if it.startswith(name))

    before = await count()
    for _ in range(3):
        await client.get("/v1/agents")
    assert await count() == before + 2


async def test_a_probe_notices_that_redis_has_gone_before_a_caller_does(door: Door, mortal_redis: Redis) -> None:
    client = await door.open(settings(redis_url=SecretStr(mortal_redis.url)))
    assert not (await client.get("/readyz")).json()["limits"]["redis_away"]
    mortal_redis.stop()
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["limits"]["redis_away"]) == (200, True)
    await door.close()
