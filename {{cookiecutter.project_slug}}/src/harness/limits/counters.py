"""Counts over time, taken all or none: what rates and quotas are counted with.

Own code where the library `limits` (5.8) takes one limit at a time and gives nothing back: a message
is held to several limits at once, and what it reserved is settled when its price is known.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import structlog

from ..errors import ConfigurationError, LimitsUnavailable
from ..project import Project
from ..settings import Settings
from ..telemetry.metrics import FAILURES

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` units in each window, and how many of them are asked for now."""

    name: str
    """What refusals, headers and metrics call it; one of a few."""

    key: str
    """Whose count it is."""

    quota: int
    seconds: int
    """Length of a window; windows begin at multiples of it since 1970, in UTC."""

    is_sliding: bool = False
    """Count the window before by the part of it that the last `seconds` still hold, rounded up: no
    burst beyond the limit around the turn of a window."""

    amount: int = 1

    is_passing: bool = False
    """Of what a caller can have any number, such as threads: its count may be dropped before its
    window ends, since the next one begins at nothing anyway."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of one limit after a decision."""

    limit: Limit
    left: int
    reset_seconds: int
    """Until its window ends; a sliding one empties bit by bit."""


@dataclass(frozen=True, slots=True)
class LimitDecision:
    """Whether everything that was asked for may be had."""

    remaining: tuple[Remaining, ...]
    """In the order of the limits."""

    refused: Remaining | None
    """The first limit with too little left."""

    is_local: bool = False
    """Made by this process alone while Redis was away: only here were the amounts taken."""

    @classmethod
    def from_counts(
        cls, limits: Sequence[Limit], used: Sequence[int], now: float, *, is_local: bool = False
    ) -> "LimitDecision":
        """The decision over what was `used` of each limit before."""
        enough = [has + it.amount <= it.quota for it, has in zip(limits, used, strict=True)]
        is_taken = all(enough)
        remaining = tuple(
            Remaining(it, max(0, it.quota - has - it.amount * is_taken), math.ceil(it.seconds - now % it.seconds))
            for it, has in zip(limits, used, strict=True)
        )
        return cls(remaining, None if is_taken else remaining[enough.index(False)], is_local)


class LocalCounters:
    """Counts of this process. No await inside, so no lock is needed."""

    MOST_PASSING: Final = 4_000
    """Counts of passing limits that stay, the last used ones: about 2 MB."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, int], int] = {}
        self._passing: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        self._prune_at = 0.0

    async def acquire(self, limits: Sequence[Limit], *, count_only: bool = False) -> LimitDecision:
        """Take every amount or none; with `count_only`, take them whatever the decision."""
        now = time.time()
        self._prune(now)
        used = [self._used(it, now) for it in limits]
        decision = LimitDecision.from_counts(limits, used, now, is_local=True)
        if count_only or not decision.refused:
            self._add(limits, now)
        return decision

    async def add(self, limits: Sequence[Limit], taken: LimitDecision | None = None) -> None:
        """Add amounts, which may be below zero, where `taken` was decided; no failure is raised."""
        self._add(limits, time.time())

    def _used(self, limit: Limit, now: float) -> int:
        window, passed = divmod(now, limit.seconds)
        counts = self._passing if limit.is_passing else self._counts
        used = counts.get((limit.key, limit.seconds, int(window)), 0)
        if limit.is_sliding:
            before = counts.get((limit.key, limit.seconds, int(window) - 1), 0)
            used += math.ceil(before * (1 - passed / limit.seconds))
        return used

    def _add(self, limits: Sequence[Limit], now: float) -> None:
        for limit in limits:
            key = limit.key, limit.seconds, int(now // limit.seconds)
            counts = self._passing if limit.is_passing else self._counts
            counts[key] = max(0, counts.pop(key, 0) + limit.amount)  # the last used is last
            if len(self._passing) > self.MOST_PASSING:
                self._passing.popitem(last=False)

    def _prune(self, now: float) -> None:
        """Delete windows that no decision looks at any more, so that strangers fill no memory."""
        if now < self._prune_at:
            return
        counts = self._counts.items()
        self._counts = {it: n for it, n in counts if (it[2] + 2) * it[1] > now}
        shortest = min((seconds for _, seconds, _ in self._counts), default=1)
        self._prune_at = now + shortest


class RedisCounters:
    """Counts that several processes share; while Redis is away, of this process alone or none at all.

    Each decision is one script, so none overtakes another, by Redis's own clock: those of the processes
    may differ. Keys of one decision may lie on several nodes of a Redis Cluster, which refuses that:
    use one Redis, with a replica.
    """

    SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")

    CONNECTIONS: Final = 32
    """Connections of one process; a decision takes one for less than a millisecond."""

    PAUSE_SECONDS: Final = 1
    """How long Redis is not asked after it failed: each try may cost REDIS_TIMEOUT_SECONDS."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Connect with the first decision.

        Raises:
            ConfigurationError: The package is not installed, or the address is none.
        """
        try:
            redis = import_module("redis.asyncio")  # 0.4 s: only where it is used
            self._failures = (import_module("redis.exceptions").RedisError, OSError, TimeoutError)
        except ImportError:
            problem = "the package redis is missing; install the extra: pip install '.[redis]'"
            raise ConfigurationError([f"REDIS_URL: {problem}"]) from None
        seconds = settings.redis_timeout_seconds
        try:
            pool = redis.BlockingConnectionPool.from_url(
                url,
                max_connections=self.CONNECTIONS,
                timeout=seconds,
                socket_timeout=seconds,
                socket_connect_timeout=seconds,
            )
        except ValueError:  # its text may hold the password
            form = "redis://:password@host:6379/0, rediss:// or unix://"
            problem = f"REDIS_URL: this is no address of a Redis; write {form}"
            raise ConfigurationError([problem]) from None
        self._redis: Any = redis.Redis.from_pool(pool)
        self._take = self._redis.register_script(self.SCRIPT)
        self._prefix = f"{Project.load().name}:limits:"
        self._local = LocalCounters()
        self._may_fall_back = settings.limits_without_redis == "local"
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """True while Redis is not asked because it failed."""
        return time.monotonic() < self._away_until

    async def acquire(self, limits: Sequence[Limit], *, count_only: bool = False) -> LimitDecision:
        """Take every amount or none.

        Raises:
            LimitsUnavailable: Redis is away, and LIMITS_WITHOUT_REDIS is `refuse`.
        """
        decision = await self._ask(limits, count_only=count_only)
        if decision is None and not (count_only or self._may_fall_back):
            raise LimitsUnavailable
        return decision or await self._local.acquire(limits, count_only=count_only)

    async def add(self, limits: Sequence[Limit], taken: LimitDecision | None = None) -> None:
        """Add the amounts where `taken` was decided.

        What Redis gave and cannot take back stays taken: given back elsewhere, it would be others'.
        """
        if taken and taken.is_local:
            await self._local.add(limits)
        elif await self._ask(limits, count_only=True) is None:
            await self._local.add([it for it in limits if it.amount > 0])

    async def _ask(self, limits: Sequence[Limit], *, count_only: bool) -> LimitDecision | None:
        """Redis's decision; None while it is away."""
        if self.is_away:
            return None
        arguments = [int(count_only)]
        for it in limits:
            arguments += [it.seconds, it.quota, it.amount, int(it.is_sliding)]
        try:
            now, *used = await self._take(keys=[self._prefix + it.key for it in limits], args=arguments)
        except self._failures as error:
            self._away_until = time.monotonic() + self.PAUSE_SECONDS
            FAILURES.labels("limits", "redis").inc()
            cause = type(error).__name__
            log.warning("limits_store_away", error=cause, stand_in=self._may_fall_back)
            return None
        return LimitDecision.from_counts(limits, list(map(int, used)), float(now))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
