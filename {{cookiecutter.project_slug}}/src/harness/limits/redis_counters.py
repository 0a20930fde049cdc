"""Counts that several processes share, in Redis: each decision is one script, so none overtakes another."""

from collections.abc import Sequence
from importlib import import_module
from time import monotonic
from typing import Any, Final

import structlog

from ..errors import ConfigurationError, LimitsUnavailable
from ..project import Project
from ..settings import Settings
from ..telemetry.metrics import FAILURES
from .counters import Limit, LimitDecision, LocalCounters

log = structlog.get_logger(__name__)

TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local enough = true
local used = {}
for i, key in ipairs(KEYS) do
  local seconds, most, amount = tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  local window = math.floor(now / seconds)
  used[i] = tonumber(redis.call('GET', key .. ':' .. window) or 0)
  if ARGV[i * 4 + 1] == '1' then
    local before = tonumber(redis.call('GET', key .. ':' .. (window - 1)) or 0)
    used[i] = used[i] + math.ceil(before * (1 - (now % seconds) / seconds))
  end
  enough = enough and used[i] + amount <= most
end
if enough or ARGV[1] == '1' then
  for i, key in ipairs(KEYS) do
    local seconds = tonumber(ARGV[i * 4 - 2])
    local name = key .. ':' .. math.floor(now / seconds)
    if redis.call('INCRBY', name, ARGV[i * 4]) < 0 then redis.call('SET', name, 0) end
    redis.call('EXPIRE', name, seconds * 2)
  end
end
return {tostring(now), unpack(used)}
"""
"""By Redis's own clock: those of the processes may differ. Keys of one decision may lie on several
nodes of a Redis Cluster, which refuses that: use one Redis, with a replica."""

CONNECTIONS: Final = 32
"""Connections of one process; a decision takes one for less than a millisecond."""

PAUSE_SECONDS: Final = 1
"""How long Redis is not asked after it failed: each try may cost REDIS_TIMEOUT_SECONDS."""


class LocalFallbackDecision(LimitDecision):
    """The verdict of this process alone while Redis was away: only here were the amounts taken."""

    __slots__ = ()


class RedisCounters:
    """Counts in Redis; while it is away, of this process alone or none at all, as the settings say."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Connect with the first decision.

        Raises:
            ConfigurationError: The package is not installed, or the address is none.
        """
        try:
            redis = import_module("redis.asyncio")  # 0.4 s: only where it is used
            self._failures = (import_module("redis.exceptions").RedisError, OSError, TimeoutError)
        except ImportError:
            remedy = "install the extra: pip install '.[redis]'"
            raise ConfigurationError(
                [f"REDIS_URL: the package redis is missing; {remedy}"]
            ) from None
        seconds = settings.redis_timeout_seconds
        try:
            pool = redis.BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=seconds,
                socket_timeout=seconds,
                socket_connect_timeout=seconds,
            )
        except ValueError:  # its text may hold the password
            form = "redis://:password@host:6379/0, rediss:// or unix://"
            raise ConfigurationError(
                [f"REDIS_URL: this is no address of a Redis; write {form}"]
            ) from None
        self._redis: Any = redis.Redis.from_pool(pool)
        self._take = self._redis.register_script(TAKE)
        self._prefix = f"{Project.load().name}:limits:"
        self._local = LocalCounters()
        self._may_stand_in = settings.limits_without_redis == "local"
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """True while Redis is not asked because it failed."""
        return monotonic() < self._away_until

    async def acquire(self, limits: Sequence[Limit], *, even_beyond: bool = False) -> LimitDecision:
        """Take every amount or none.

        Raises:
            LimitsUnavailable: Redis is away, and LIMITS_WITHOUT_REDIS is `refuse`.
        """
        verdict = await self._ask(limits, even_beyond=even_beyond)
        if verdict is None and not (even_beyond or self._may_stand_in):
            raise LimitsUnavailable
        if verdict is None:
            local = await self._local.acquire(limits, even_beyond=even_beyond)
            verdict = LocalFallbackDecision(local.rooms, local.refused)
        return verdict

    async def add(self, limits: Sequence[Limit], taken: LimitDecision | None = None) -> None:
        """Add the amounts where `taken`, the verdict of `take`, was given.

        What Redis gave and cannot take back stays taken: given back elsewhere, it would be others'.
        """
        if isinstance(taken, LocalFallbackDecision):
            await self._local.add(limits)
        elif await self._ask(limits, even_beyond=True) is None:
            await self._local.add([it for it in limits if it.amount > 0])

    async def _ask(self, limits: Sequence[Limit], *, even_beyond: bool) -> LimitDecision | None:
        """Redis's verdict; None while it is away."""
        if self.is_away:
            return None
        arguments = [int(even_beyond)]
        for it in limits:
            arguments += [it.seconds, it.most, it.amount, int(it.is_sliding)]
        try:
            now, *used = await self._take(
                keys=[self._prefix + it.key for it in limits], args=arguments
            )
        except self._failures as error:
            self._away_until = monotonic() + PAUSE_SECONDS
            FAILURES.labels("limits", "redis").inc()
            told = {"error": type(error).__name__, "stand_in": self._may_stand_in}
            log.warning("limits_store_away", **told)
            return None
        return LimitDecision.from_counts(limits, list(map(int, used)), float(now))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
