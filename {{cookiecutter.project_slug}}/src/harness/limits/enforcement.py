"""What becomes of a request beyond a limit, at every place that holds requests to limits."""

from collections.abc import Mapping, Sequence

import structlog

from ..errors import RateLimitExceeded
from ..settings import Settings
from ..telemetry.metrics import LIMITS_REACHED
from .counters import Counters, Limit, LimitDecision, LocalCounters, Remaining
from .redis_counters import RedisCounters

log = structlog.get_logger(__name__)


class RateHeaders:
    """What answers tell of limits (draft-ietf-httpapi-ratelimit-headers-10)."""

    @classmethod
    def from_remaining(cls, rooms: Sequence[Remaining]) -> Mapping[str, str]:
        """What holds and what is left: quota q in w seconds."""
        held = (f'"{it.limit.name}";q={it.limit.most};w={it.limit.seconds}' for it in rooms)
        return {"RateLimit-Policy": ", ".join(held), **cls.left(rooms)}

    @staticmethod
    def left(rooms: Sequence[Remaining]) -> Mapping[str, str]:
        """What is left alone: r, reset in t seconds. What all callers may cost is no caller's business."""
        told = (f'"{it.limit.name}";r={it.left};t={it.reset_seconds}' for it in rooms)
        return {"RateLimit": ", ".join(told)}


class RateLimiter:
    """Holds requests to limits as LIMITS says: `enforce` refuses, `observe` counts and tells only."""

    def __init__(self, settings: Settings) -> None:
        """Count in Redis when REDIS_URL is set, else in this process.

        Raises:
            ConfigurationError: The package of Redis is not installed.
        """
        self.mode = settings.limits
        self.redis: RedisCounters | None = None
        if settings.redis_url is not None:
            self.redis = RedisCounters(settings, settings.redis_url.get_secret_value())
        self._counters: Counters = self.redis or LocalCounters()

    async def acquire(self, limits: Sequence[Limit]) -> LimitDecision | None:
        """Take what is asked for; None when there is nothing to hold it to.

        Raises:
            RateLimitExceeded: One of `limits` is used up; nothing was taken of any.
            LimitsUnavailable: The counts cannot be reached, and that is to be refused.
        """
        held = [limit for limit in limits if limit.most]
        if self.mode == "off" or not held:
            return None
        verdict = await self._counters.acquire(held, even_beyond=self.mode == "observe")
        if verdict.refused:
            self.refuse(verdict.refused)
        return verdict

    async def add(self, limits: Sequence[Limit], taken: LimitDecision | None = None) -> None:
        """Add what was used beyond what `take` gave with the verdict `taken`; below zero gives back."""
        held = [limit for limit in limits if limit.most and limit.amount]
        if self.mode == "off" or not held:
            return
        if self.redis:
            await self.redis.add(held, taken)
        else:
            await self._counters.add(held)

    def refuse(self, room: Remaining) -> None:
        """Count a request beyond the limit of `room`, and refuse it where that is enforced.

        Raises:
            RateLimitExceeded: It is.
        """
        name = room.limit.name
        LIMITS_REACHED.labels(name, self.mode).inc()
        log.info("limit_reached", limit=name, mode=self.mode)
        if self.mode == "enforce":
            raise RateLimitExceeded(name, room.reset_seconds, RateHeaders.left((room,)))

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._counters.aclose()
