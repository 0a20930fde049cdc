"""What is refused with 429: requests by address and by caller, and a day's messages, tokens and money."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain_core.messages.ai import UsageMetadata
from pydantic import SecretStr

from harness.errors import RateLimitExceeded
from harness.limits.rate_limiter import RateLimiter
from harness.models.call_recorder import Usage
from harness.settings import Settings
from tests.harness.limits.test_counters import limit
from tests.support.servers import Redis


async def test_beyond_a_limit_is_refused_with_what_the_caller_needs_to_know() -> None:
    limiter = RateLimiter(Settings())
    await limiter.acquire([limit(1)])
    with pytest.raises(RateLimitExceeded) as refused:
        await limiter.acquire([limit(1)])
    assert "RateLimit-Policy" not in refused.value.headers
    assert refused.value.headers["RateLimit"].startswith('"test";r=0;t=')
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60


async def test_observing_lets_pass() -> None:
    limiter = RateLimiter(Settings(limits="observe"))
    decisions = [await limiter.acquire([limit(1)]) for _ in range(3)]
    assert decisions[2]
    assert decisions[2].refused


async def test_what_was_used_less_is_given_back() -> None:
    limiter = RateLimiter(Settings())
    whole = limit(10, amount=10)
    await limiter.acquire([whole])
    await limiter.add([replace(whole, amount=-9)])
    decision = await limiter.acquire([replace(whole, amount=9)])
    assert decision
    assert decision.remaining[0].left == 0
    await limiter.aclose()


async def test_counts_are_shared_where_redis_is_named(redis_server: Redis) -> None:
    settings = Settings(redis_url=SecretStr(redis_server.url), redis_timeout_seconds=10)
    one, other = RateLimiter(settings), RateLimiter(settings)
    shared = limit(1, key="shared", seconds=86_400)
    await one.acquire([shared])
    with pytest.raises(RateLimitExceeded):
        await other.acquire([shared])
    for each in (one, other):
        await each.aclose()


def rates(**changes: object) -> RateLimiter:
    return RateLimiter(Settings(**changes))  # type: ignore[arg-type] # settings


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:0:ffff::1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        (None, "made up", True),
    ],
)
async def test_an_address_is_one_customer(one: str | None, other: str, is_same: bool) -> None:
    limited = rates(rate_address_per_minute=1)
    await limited.count_address(one)
    if is_same:
        with pytest.raises(RateLimitExceeded, match="address"):
            await limited.count_address(other)
    else:
        await limited.count_address(other)


async def test_a_caller_reads_in_the_headers_what_is_left() -> None:
    limited = rates(rate_caller_per_minute=2)
    headers = await limited.count_caller("abc")
    assert headers["RateLimit-Policy"] == '"caller";q=2;w=60'
    assert headers["RateLimit"].startswith('"caller";r=1;t=')
    await limited.count_caller("abc")
    with pytest.raises(RateLimitExceeded) as refused:
        await limited.count_caller("abc")
    assert refused.value.headers["RateLimit"].startswith('"caller";r=0;t=')
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert refused.value.detail.startswith("The limit caller is used up; try again in ")
    await limited.count_caller("another")


async def test_callers_without_a_name_are_held_by_their_addresses_alone() -> None:
    limited = rates(rate_caller_per_minute=1)
    assert [await limited.count_caller("") for _ in range(3)] == [{}] * 3


@pytest.mark.parametrize("changes", [{"limits": "off"}, {"rate_address_per_minute": 0}])
async def test_no_limit_is_none(changes: dict[str, object]) -> None:
    limited = rates(**{"rate_address_per_minute": 1} | changes)
    for _ in range(3):
        await limited.count_address("192.0.2.1")


@dataclass
class Used:
    """What a run used."""

    input_tokens: int = 0
    output_tokens: int = 0
    priced_usd: float = 0


def quotas(**changes: Any) -> RateLimiter:
    none = {name: 0 for name in Settings.model_fields if name.startswith("quota_")}
    return RateLimiter(Settings(**none | changes))


async def run(limiter: RateLimiter, used: Used, owner: str = "me", thread: str = "me:t1") -> None:
    async with limiter.reserve(owner, thread, used):
        pass


@pytest.mark.parametrize(
    ("quota", "owner", "thread", "passes"),
    [
        ("thread", "me", "me:t1", False),
        ("thread", "me", "me:t2", True),
        ("caller", "me", "me:t2", False),
        ("caller", "you", "you:t1", True),
    ],
)
async def test_messages_are_counted_for_a_thread_and_for_its_caller(
    quota: str, owner: str, thread: str, passes: bool
) -> None:
    limiter = quotas(**{f"quota_{quota}_day_messages": 2})
    for _ in range(2):
        await run(limiter, Used())
    if passes:
        await run(limiter, Used(), owner, thread)
    else:
        with pytest.raises(RateLimitExceeded, match=f"{quota}-day-messages"):
            await run(limiter, Used(), owner, thread)


async def test_who_looks_first_takes_nothing_and_is_refused_where_a_run_would_be() -> None:
    limiter = quotas(quota_caller_day_messages=2)
    for _ in range(3):
        await limiter.check("me", "me:t1")
    for _ in range(2):
        await run(limiter, Used())
    with pytest.raises(RateLimitExceeded, match="caller-day-messages"):
        await limiter.check("me", "me:t1")
    await limiter.check("you", "you:t1")


async def test_tokens_are_reserved_before_and_settled_after() -> None:
    limiter = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=400)
    async with limiter.reserve("me", "me:t1", Used(20, 30)), limiter.reserve("me", "me:t2", Used(20, 30)):
        with pytest.raises(RateLimitExceeded, match="caller-day-tokens"):
            await run(limiter, Used())
    for _ in range(5):  # 100 are used: five times 100 more leave 400
        await run(limiter, Used(50, 50))
    await run(limiter, Used(100, 100))
    with pytest.raises(RateLimitExceeded, match="caller-day-tokens"):
        await run(limiter, Used())


async def test_money_is_held_for_a_caller_and_for_all_together() -> None:
    prices = {"openai:small": (1, 2), "openai:large": (10, 20)}
    limiter = quotas(quota_caller_day_usd=1.0, quota_service_day_usd=1.5, quota_reserved_tokens=1000, llm_prices=prices)
    await run(limiter, Used(priced_usd=0.97))
    await run(limiter, Used(priced_usd=0.02))
    with pytest.raises(RateLimitExceeded, match="caller-day-usd"):  # 20 for a million: 0.02 reserved
        await run(limiter, Used())
    await run(limiter, Used(priced_usd=0.5), "you", "you:t1")
    with pytest.raises(RateLimitExceeded, match="service-day-usd"):
        await run(limiter, Used(), "another", "another:t1")


async def test_a_model_without_a_price_does_not_end_the_quota_of_money() -> None:
    prices = {"openai:priced": (1, 1)}
    limiter = quotas(quota_caller_day_usd=1.0, quota_reserved_tokens=1, llm_prices=prices)
    tokens = UsageMetadata(input_tokens=1, output_tokens=1, total_tokens=2)
    with Usage.scope() as usage:
        async with limiter.reserve("me", "me:t1", usage):
            for usd in (0.6, None, 0.4):
                usage.add(tokens, usd)
    assert usage == Usage(input_tokens=3, output_tokens=3, cost_usd=None, priced_usd=1.0)
    with pytest.raises(RateLimitExceeded, match="caller-day-usd"):
        await run(limiter, Used())


async def test_a_run_that_breaks_off_is_settled_too() -> None:
    limiter = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=1000)
    with pytest.raises(KeyError):
        async with limiter.reserve("me", "me:t1", Used(100, 0)):
            raise KeyError
    waiting = asyncio.create_task(run(limiter, Used(0, 0)))
    with pytest.raises(RateLimitExceeded):
        await waiting
    limiter = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=900)
    with pytest.raises(KeyError):
        async with limiter.reserve("me", "me:t1", Used(100, 0)):
            raise KeyError
    await run(limiter, Used())


async def test_a_quota_below_one_reservation_lets_one_run_at_a_time() -> None:
    limiter = quotas(quota_caller_day_tokens=100, quota_reserved_tokens=4000)
    await run(limiter, Used(0, 0))
    async with limiter.reserve("me", "me:t1", Used(60, 60)):
        with pytest.raises(RateLimitExceeded):
            await run(limiter, Used())
    with pytest.raises(RateLimitExceeded):
        await run(limiter, Used())
