"""What enforcement does about a request beyond a limit."""

import pytest
from pydantic import SecretStr

from harness.errors import RateLimitExceeded
from harness.limits.enforcement import RateLimiter
from harness.settings import Settings
from tests.harness.limits.counts import limit
from tests.support.servers import Redis


async def test_beyond_a_limit_is_refused_with_what_the_caller_needs_to_know() -> None:
    enforcement = RateLimiter(Settings())
    await enforcement.acquire([limit(1)])
    with pytest.raises(RateLimitExceeded) as refused:
        await enforcement.acquire([limit(1)])
    assert "RateLimit-Policy" not in refused.value.headers
    assert refused.value.headers["RateLimit"].startswith('"test";r=0;t=')
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60


async def test_observing_lets_pass() -> None:
    enforcement = RateLimiter(Settings(limits="observe"))
    verdicts = [await enforcement.acquire([limit(1)]) for _ in range(3)]
    assert verdicts[2]
    assert verdicts[2].refused


async def test_what_was_used_less_is_given_back() -> None:
    enforcement = RateLimiter(Settings())
    whole = limit(10, amount=10)
    await enforcement.acquire([whole])
    await enforcement.add([whole.with_amount(-9)])
    verdict = await enforcement.acquire([whole.with_amount(9)])
    assert verdict
    assert verdict.rooms[0].left == 0
    await enforcement.aclose()


async def test_counts_are_shared_where_redis_is_named(redis_server: Redis) -> None:
    settings = Settings(redis_url=SecretStr(redis_server.url), redis_timeout_seconds=10)
    one, other = RateLimiter(settings), RateLimiter(settings)
    shared = limit(1, key="shared", seconds=86_400)
    await one.acquire([shared])
    with pytest.raises(RateLimitExceeded):
        await other.acquire([shared])
    for each in (one, other):
        await each.aclose()
