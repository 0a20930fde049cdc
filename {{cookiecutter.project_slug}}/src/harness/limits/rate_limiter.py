"""Where a 429 is decided: rates by the minute and quotas by the day, each one row of `RULES`."""

import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Literal, Protocol

import structlog

from ..errors import RateLimitExceeded
from ..settings import Settings
from ..telemetry.metrics import LIMITS_REACHED, QUOTA_USED
from .budget import Tokens
from .counters import Limit, LimitDecision, LocalCounters, Remaining
from .redis_counters import RedisCounters

log = structlog.get_logger(__name__)

MINUTE: Final = 60  # seconds
DAY: Final = 86_400  # seconds; days begin at midnight UTC

MILLIONTHS: Final = 1_000_000
"""Money is counted in millionths of a US dollar: counts are whole numbers."""

IPV6_CUSTOMER_BITS: Final = 64
"""Bits of an IPv6 address that stand for one customer: the rest is theirs to choose (RFC 6177)."""


class Spending(Tokens, Protocol):
    """What a run has used so far."""

    priced_usd: float
    """US dollars of the models with a price; the others add nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use how much of what, in which window, by which setting."""

    who: Literal["address", "caller", "thread", "service"]
    unit: Literal["requests", "messages", "tokens", "usd"]
    seconds: int
    setting: str
    """Its value is the quota; 0 is none."""

    @property
    def name(self) -> str:
        """What refusals, headers and metrics call it."""
        return self.who if self.unit == "requests" else f"{self.who}-day-{self.unit}"

    def limit(self, settings: Settings, key: str, amount: int) -> Limit:
        """`amount` asked for under `key`; a quota below one reservation lets one run."""
        quota = getattr(settings, self.setting)
        if self.unit == "usd":
            quota = ceil(quota * MILLIONTHS)
        is_rate, is_passing = self.unit == "requests", self.who == "thread"
        key = f"{self.who}:{key}" if is_rate else f"{self.who}-{self.unit}:{key}"
        return Limit(self.name, key, quota, self.seconds, is_rate, min(amount, quota), is_passing)


BY_ADDRESS: Final = Rule("address", "requests", MINUTE, "rate_address_per_minute")
BY_CALLER: Final = Rule("caller", "requests", MINUTE, "rate_caller_per_minute")

QUOTAS: Final = (
    Rule("thread", "messages", DAY, "quota_thread_day_messages"),
    Rule("thread", "tokens", DAY, "quota_thread_day_tokens"),
    Rule("thread", "usd", DAY, "quota_thread_day_usd"),
    Rule("caller", "messages", DAY, "quota_caller_day_messages"),
    Rule("caller", "tokens", DAY, "quota_caller_day_tokens"),
    Rule("caller", "usd", DAY, "quota_caller_day_usd"),
    Rule("service", "usd", DAY, "quota_service_day_usd"),
)


class RateLimiter:
    """Holds requests to limits as LIMITS says: `enforce` refuses, `observe` counts only."""

    def __init__(self, settings: Settings) -> None:
        """Count in Redis when REDIS_URL is set, else in this process.

        Raises:
            ConfigurationError: The package of Redis is not installed.
        """
        self._settings = settings
        self.mode = settings.limits
        self.redis: RedisCounters | None = None
        if settings.redis_url is not None:
            self.redis = RedisCounters(settings, settings.redis_url.get_secret_value())
        self._counters = self.redis or LocalCounters()
        self._quotas = [rule for rule in QUOTAS if getattr(settings, rule.setting)]
        # The dearest model's price: a run may turn to it.
        prices = [max(price) for price in settings.llm_prices.values()]
        tokens = settings.quota_reserved_tokens
        usd = ceil(max(prices, default=0) * tokens)
        self._reserved = {"messages": 1, "tokens": tokens, "usd": usd}

    async def count_address(self, host: str | None) -> None:
        """Count one request of an address; before it is known who calls.

        Raises:
            RateLimitExceeded: It asks too often.
        """
        await self.acquire([BY_ADDRESS.limit(self._settings, self.network(host), 1)])

    async def count_caller(self, principal_id: str) -> Mapping[str, str]:
        """Count one request of a caller with a name; the headers that say what is left.

        Raises:
            RateLimitExceeded: It asks too often.
        """
        limits = [BY_CALLER.limit(self._settings, principal_id, 1)] if principal_id else []
        decision = await self.acquire(limits)
        return self._headers(decision.remaining) if decision else {}

    @asynccontextmanager
    async def reserve(self, principal_id: str, thread: str, spending: Spending) -> AsyncIterator[None]:
        """Hold one message of a caller in a thread to all quotas of a day.

        `thread` names the conversation among all callers'. What was reserved becomes what `spending`
        says at the end.

        Raises:
            RateLimitExceeded: One of them is used up; nothing was reserved.
            LimitsUnavailable: The counts cannot be reached, and that is to be refused.
        """
        limits = self._reservation(principal_id, thread)
        decision = await self.acquire(limits)
        for it in decision.remaining if decision else ():
            if it.limit.name.startswith("service-"):  # what all callers share
                QUOTA_USED.labels(it.limit.name).set(1 - it.left / it.limit.quota)
        try:
            yield
        finally:
            used = {
                "messages": 1,
                "tokens": spending.input_tokens + spending.output_tokens,
                "usd": ceil(spending.priced_usd * MILLIONTHS),
            }
            settled = (
                replace(limit, amount=used[rule.unit] - limit.amount)
                for rule, limit in zip(self._quotas, limits, strict=True)
            )
            await self.add(settled)

    async def check(self, principal_id: str, thread: str) -> None:
        """Pass when a message would be let in just now, which another place reserves: of a queue, for instance.

        Raises what `reserve` does.
        """
        limits = self._reservation(principal_id, thread)
        if await self.acquire(limits):
            await self.add(replace(it, amount=-it.amount) for it in limits)

    def _reservation(self, principal_id: str, thread: str) -> list[Limit]:
        keys = {"thread": thread, "caller": principal_id, "service": ""}
        return [rule.limit(self._settings, keys[rule.who], self._reserved[rule.unit]) for rule in self._quotas]

    async def acquire(self, limits: Sequence[Limit]) -> LimitDecision | None:
        """Take what is asked for; None when there is nothing to hold it to.

        Raises:
            RateLimitExceeded: One of `limits` is used up; nothing was taken of any.
            LimitsUnavailable: The counts cannot be reached, and that is to be refused.
        """
        active = [limit for limit in limits if limit.quota]
        if self.mode == "off" or not active:
            return None
        decision = await self._counters.acquire(active, count_only=self.mode == "observe")
        if decision.refused:
            self.refuse(decision.refused)
        return decision

    async def add(self, limits: Iterable[Limit]) -> None:
        """Add what was used beyond what was taken; below zero gives back."""
        active = [limit for limit in limits if limit.quota and limit.amount]
        if self.mode != "off" and active:
            await self._counters.add(active)

    def refuse(self, remaining: Remaining) -> None:
        """Count a request beyond a limit, and refuse it where that is enforced.

        Raises:
            RateLimitExceeded: It is.
        """
        name = remaining.limit.name
        LIMITS_REACHED.labels(name, self.mode).inc()
        log.info("limit_reached", limit=name, mode=self.mode)
        if self.mode == "enforce":
            left = self._headers([remaining])["RateLimit"]
            raise RateLimitExceeded(name, remaining.reset_seconds, {"RateLimit": left})

    @staticmethod
    def _headers(remaining: Sequence[Remaining]) -> Mapping[str, str]:
        """Quota q in w seconds, r of it left, reset in t (draft-ietf-httpapi-ratelimit-headers-10)."""
        policies = (f'"{it.limit.name}";q={it.limit.quota};w={it.limit.seconds}' for it in remaining)
        left = (f'"{it.limit.name}";r={it.left};t={it.reset_seconds}' for it in remaining)
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}

    @staticmethod
    def network(host: str | None) -> str:
        """One customer: an IPv4 address, or the first half of an IPv6 address."""
        try:
            address = ipaddress.ip_address(host or "")
        except ValueError:
            return "unknown"  # a Unix socket, or what a proxy made up
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is None:
                return str(ipaddress.ip_network((address.packed, IPV6_CUSTOMER_BITS), strict=False))
            address = address.ipv4_mapped
        return str(address)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self.redis:
            await self.redis.aclose()
