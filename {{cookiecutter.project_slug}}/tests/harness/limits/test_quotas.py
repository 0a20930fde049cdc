"""A day's messages, tokens and money: reserved before a run, settled by what it used."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages.ai import UsageMetadata

from harness.errors import RateLimitExceeded
from harness.limits.enforcement import RateLimiter
from harness.limits.quotas import Quotas
from harness.models.call_recorder import Usage
from harness.settings import Settings


@dataclass
class Used:
    """What a run used."""

    input_tokens: int = 0
    output_tokens: int = 0
    priced_usd: float = 0


def quotas(**changes: Any) -> Quotas:
    none = {name: 0 for name in Settings.model_fields if name.startswith("quota_")}
    settings = Settings(**none | changes)
    return Quotas(settings, RateLimiter(settings))


async def run(held: Quotas, used: Used, owner: str = "me", thread: str = "me:t1") -> None:
    async with held.run(owner, thread, used):
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
    held = quotas(**{f"quota_{quota}_day_messages": 2})
    for _ in range(2):
        await run(held, Used())
    if passes:
        await run(held, Used(), owner, thread)
    else:
        with pytest.raises(RateLimitExceeded, match=f"{quota}-day-messages"):
            await run(held, Used(), owner, thread)


async def test_tokens_are_reserved_before_and_settled_after() -> None:
    held = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=400)
    async with held.run("me", "me:t1", Used(20, 30)), held.run("me", "me:t2", Used(20, 30)):
        with pytest.raises(RateLimitExceeded, match="caller-day-tokens"):
            await run(held, Used())
    for _ in range(5):  # 100 are used: five times 100 more leave 400
        await run(held, Used(50, 50))
    await run(held, Used(100, 100))
    with pytest.raises(RateLimitExceeded, match="caller-day-tokens"):
        await run(held, Used())


async def test_money_is_held_for_a_caller_and_for_all_together() -> None:
    prices = {"openai:small": (1, 2), "openai:large": (10, 20)}
    held = quotas(
        quota_caller_day_usd=1.0,
        quota_service_day_usd=1.5,
        quota_reserved_tokens=1000,
        llm_prices=prices,
    )
    await run(held, Used(priced_usd=0.97))
    await run(held, Used(priced_usd=0.02))
    with pytest.raises(
        RateLimitExceeded, match="caller-day-usd"
    ):  # 20 for a million: 0.02 reserved
        await run(held, Used())
    await run(held, Used(priced_usd=0.5), "you", "you:t1")
    with pytest.raises(RateLimitExceeded, match="service-day-usd"):
        await run(held, Used(), "another", "another:t1")


async def test_a_model_without_a_price_does_not_end_the_quota_of_money() -> None:
    prices = {"openai:priced": (1, 1)}
    held = quotas(quota_caller_day_usd=1.0, quota_reserved_tokens=1, llm_prices=prices)
    tokens = UsageMetadata(input_tokens=1, output_tokens=1, total_tokens=2)
    with Usage.scope() as usage:
        async with held.run("me", "me:t1", usage):
            for usd in (0.6, None, 0.4):
                usage.add(tokens, usd)
    assert usage == Usage(input_tokens=3, output_tokens=3, cost_usd=None, priced_usd=1.0)
    with pytest.raises(RateLimitExceeded, match="caller-day-usd"):
        await run(held, Used())


async def test_a_run_that_breaks_off_is_settled_too() -> None:
    held = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=1000)
    with pytest.raises(KeyError):
        async with held.run("me", "me:t1", Used(100, 0)):
            raise KeyError
    waiting = asyncio.create_task(run(held, Used(0, 0)))
    with pytest.raises(RateLimitExceeded):
        await waiting
    held = quotas(quota_caller_day_tokens=1000, quota_reserved_tokens=900)
    with pytest.raises(KeyError):
        async with held.run("me", "me:t1", Used(100, 0)):
            raise KeyError
    await run(held, Used())


async def test_a_quota_below_one_reservation_lets_one_run_at_a_time() -> None:
    held = quotas(quota_caller_day_tokens=100, quota_reserved_tokens=4000)
    await run(held, Used(0, 0))
    async with held.run("me", "me:t1", Used(60, 60)):
        with pytest.raises(RateLimitExceeded):
            await run(held, Used())
    with pytest.raises(RateLimitExceeded):
        await run(held, Used())
