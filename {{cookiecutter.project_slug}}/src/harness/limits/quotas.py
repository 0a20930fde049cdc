"""How much a conversation, a caller and the whole service may use in a day: reserved before, settled after."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Final, Protocol

from ..settings import Settings
from ..telemetry.metrics import QUOTA_USED
from .budget import Tokens
from .counters import Limit, LimitDecision
from .enforcement import RateLimiter

SECONDS_PER_DAY: Final = 86_400  # what a day in UTC has

MILLIONTHS: Final = 1_000_000
"""Money is counted in millionths of a US dollar: counts are whole numbers."""


class Spending(Tokens, Protocol):
    """What a run has used so far."""

    priced_usd: float
    """US dollars of the models with a price; the others add nothing."""


class Quotas:
    """Messages, tokens and money of a day. Days begin at midnight UTC."""

    def __init__(self, settings: Settings, enforcement: RateLimiter) -> None:
        """Take the quotas from the settings; 0 is no quota."""
        self._enforcement = enforcement
        self._reserved_tokens = settings.quota_reserved_tokens
        # The dearest model's price: a run may turn to it.
        prices = [max(price) for price in settings.llm_prices.values()]
        self._reserved_usd = ceil(max(prices, default=0) * settings.quota_reserved_tokens)
        self._of_thread = {
            "messages": settings.quota_thread_day_messages,
            "tokens": settings.quota_thread_day_tokens,
            "usd": self._millionths(settings.quota_thread_day_usd),
        }
        self._of_caller = {
            "messages": settings.quota_caller_day_messages,
            "tokens": settings.quota_caller_day_tokens,
            "usd": self._millionths(settings.quota_caller_day_usd),
        }
        self._of_all = {"usd": self._millionths(settings.quota_service_day_usd)}

    @staticmethod
    def _millionths(usd: float) -> int:
        return ceil(usd * MILLIONTHS)

    @asynccontextmanager
    async def run(self, owner: str, thread: str, spending: Spending) -> AsyncIterator[None]:
        """Hold one message of a caller in a thread to all quotas.

        `owner` is the caller's digest, `thread` names the conversation among all callers'. What was
        reserved becomes what `spending` says at the end.

        Raises:
            RateLimitExceeded: One of them is used up; nothing was reserved.
            LimitsUnavailable: The counts cannot be reached, and that is to be refused.
        """
        asked = {"messages": 1, "tokens": self._reserved_tokens, "usd": self._reserved_usd}
        whose = {"thread": (thread, self._of_thread), "caller": (owner, self._of_caller)}
        limits = [
            limit
            for name, (key, most) in (whose | {"service": ("", self._of_all)}).items()
            for limit in self._limits(name, key, most, asked)
        ]
        taken = await self._enforcement.acquire(limits)
        self._tell(taken)
        try:
            yield
        finally:
            used = {
                "messages": 1,
                "tokens": spending.input_tokens + spending.output_tokens,
                "usd": self._millionths(spending.priced_usd),
            }
            await self._enforcement.add(
                [limit.with_amount(used[self._unit(limit)] - limit.amount) for limit in limits],
                taken,
            )

    @staticmethod
    def _limits(
        whose: str, key: str, most: Mapping[str, int], asked: Mapping[str, int]
    ) -> list[Limit]:
        return [
            Limit(
                f"{whose}-day-{unit}",
                f"{whose}-{unit}:{key}",
                number,
                SECONDS_PER_DAY,
                amount=min(asked[unit], number),  # a quota below one reservation lets one run
                is_passing=whose == "thread",
            )
            for unit, number in most.items()
            if number
        ]

    @staticmethod
    def _tell(verdict: LimitDecision | None) -> None:
        """Show how near the end what all callers share is."""
        for room in verdict.rooms if verdict else ():
            if room.limit.name.startswith("service-"):
                QUOTA_USED.labels(room.limit.name).set(1 - room.left / room.limit.most)

    @staticmethod
    def _unit(limit: Limit) -> str:
        return limit.name.rpartition("-")[2]
