"""Who is one caller, and how often it may ask."""

import pytest

from harness.errors import RateLimitExceeded
from harness.limits.enforcement import RateLimiter
from harness.limits.rate_limits import Rates
from harness.settings import Settings


def rates(**changes: object) -> Rates:
    settings = Settings(**changes)  # type: ignore[arg-type] # settings
    return Rates(settings, RateLimiter(settings))


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
    await limited.address(one)
    if is_same:
        with pytest.raises(RateLimitExceeded, match="address"):
            await limited.address(other)
    else:
        await limited.address(other)


async def test_a_caller_reads_in_the_headers_what_is_left() -> None:
    limited = rates(rate_caller_per_minute=2)
    headers = await limited.caller("abc")
    assert headers["RateLimit-Policy"] == '"caller";q=2;w=60'
    assert headers["RateLimit"].startswith('"caller";r=1;t=')
    await limited.caller("abc")
    with pytest.raises(RateLimitExceeded) as refused:
        await limited.caller("abc")
    assert refused.value.headers["RateLimit"].startswith('"caller";r=0;t=')
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert refused.value.detail.startswith("The limit caller is used up; try again in ")
    await limited.caller("another")


async def test_callers_without_a_name_are_held_by_their_addresses_alone() -> None:
    limited = rates(rate_caller_per_minute=1)
    assert [await limited.caller("") for _ in range(3)] == [{}] * 3


@pytest.mark.parametrize("changes", [{"limits": "off"}, {"rate_address_per_minute": 0}])
async def test_no_limit_is_none(changes: dict[str, object]) -> None:
    limited = rates(**{"rate_address_per_minute": 1} | changes)
    for _ in range(3):
        await limited.address("192.0.2.1")
