"""Counts that several processes share in Redis, which may be slow, hang, end, and come back."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import structlog

from ..errors import ConfigurationError, LimitsUnavailable
from ..project import Extra, Project
from ..settings import Settings
from ..telemetry.metrics import FAILURES
from .counters import Limit, LimitDecision, LocalCounters
from .deadline import Deadline

log = structlog.get_logger(__name__)


class RedisCounters:
    """Counts that several processes share; while Redis is away, of this process alone or none at all.

    Each decision is one script, so none overtakes another, by Redis's own clock: those of the processes
    may differ. A late answer is waited for. Redis is away when it takes no connection, cannot count, or
    has answered nobody for REDIS_TIMEOUT_SECONDS; then this process goes on from the last counts that it
    saw, and hands over what it counted when Redis is back. What was under way as Redis fell silent may
    count twice; nothing counts less than once.

    Keys of one decision may lie on several nodes of a Redis Cluster, which refuses that: use one Redis,
    with a replica.
    """

    SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")

    CONNECTIONS: Final = 32
    """Connections of one process; a decision takes one for less than a millisecond, and waits for one."""

    PAUSE_SECONDS: Final = 1
    """Between two tries to reach a Redis that is away; none of them holds a request up."""

    LOOKS: Final = 10
    """Turns of the event loop, spread over REDIS_TIMEOUT_SECONDS, in which an answer may be seen. A loop
    that stands still for longer hears nothing and must not take that for Redis's silence."""

    PROBE_SECONDS: Final = 0.3
    """Longest wait of a health probe, which itself may take 1 s (Kubernetes); guess."""

    PROBE: Final = Limit("probe", "probe", 0, 60, amount=0)
    """Counts nothing, and fails where nothing can be written."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Connect with the first decision.

        Raises:
            ConfigurationError: The package is not installed, or the address is none.
        """
        try:
            redis = import_module("redis.asyncio")  # 0.4 s: only where it is used
            retry, backoff = import_module("redis.asyncio.retry"), import_module("redis.backoff")
            errors = import_module("redis.exceptions")
        except ImportError:
            raise ConfigurationError([f"REDIS_URL: {Extra.remedy('redis')}"]) from None
        self._failures = (errors.RedisError, OSError)
        try:
            pool = redis.ConnectionPool.from_url(
                url,
                max_connections=self.CONNECTIONS,
                socket_timeout=None,  # `_answer` waits
                socket_connect_timeout=None,
                socket_keepalive=True,
                # Once more on a new connection: the old one may lead to what is no master any more.
                retry=retry.Retry(backoff.NoBackoff(), 1),
                retry_on_error=[errors.ReadOnlyError],
            )
        except ValueError:  # its text may hold the password
            form = "redis://:password@host:6379/0, rediss:// or unix://"
            problem = f"REDIS_URL: this is no address of a Redis; write {form}"
            raise ConfigurationError([problem]) from None
        self._redis: Any = redis.Redis.from_pool(pool)
        self._take = self._redis.register_script(self.SCRIPT)
        self._prefix = f"{Project.load().name}:limits:"
        self._silence_seconds = settings.redis_timeout_seconds
        self._patience_seconds = settings.request_timeout_seconds
        self._may_fall_back = settings.limits_without_redis == "local"
        self._places = asyncio.Semaphore(self.CONNECTIONS)
        self._local = LocalCounters()
        self._owed: dict[tuple[str, int, int], Limit] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._answers = 0
        self.is_away = False
        """True from the moment it is found away until it counts again."""

    async def acquire(self, limits: Sequence[Limit], *, count_only: bool = False) -> LimitDecision:
        """Take every amount or none.

        Raises:
            LimitsUnavailable: Redis is away, and LIMITS_WITHOUT_REDIS is `refuse`; or it is so slow that
                the request's time is over.
        """
        decision = None
        if not self.is_away:
            asked = self._spawn(self._decide(limits, count_only=count_only))
            try:
                async with asyncio.timeout(Deadline.clamp(self._patience_seconds)):
                    decision = await asyncio.shield(asked)
            except TimeoutError:
                if not count_only:
                    raise LimitsUnavailable from None
            finally:
                if decision is None:
                    asked.add_done_callback(partial(self._give_back, limits))
        if decision is None and not (count_only or self._may_fall_back):
            raise LimitsUnavailable
        return decision or await self._acquire_here(limits, count_only=count_only)

    async def add(self, limits: Sequence[Limit]) -> None:
        """Add amounts, which may be below zero; no failure is raised."""
        await asyncio.shield(self._spawn(self._add(limits)))

    async def _add(self, limits: Sequence[Limit]) -> None:
        if await self._decide(limits, count_only=True) is None:
            await self._local.add(limits)
            self._owe(limits)

    async def _acquire_here(self, limits: Sequence[Limit], *, count_only: bool) -> LimitDecision:
        decision = await self._local.acquire(limits, count_only=count_only)
        if count_only or not decision.refused:
            self._owe(limits)
        return decision

    async def probe(self) -> None:
        """Notice that Redis has gone also while nobody asks for a decision; the answer is not waited for long."""
        await asyncio.wait([self._spawn(self._decide([self.PROBE], count_only=True))], timeout=self.PROBE_SECONDS)

    async def _decide(self, limits: Sequence[Limit], *, count_only: bool) -> LimitDecision | None:
        try:
            async with self._places:  # to wait here is no failure of Redis's
                return None if self.is_away else await self._answer(limits, count_only=count_only)
        except self._failures as error:
            self._lose(type(error).__name__)
            return None

    async def _answer(self, limits: Sequence[Limit], *, count_only: bool) -> LimitDecision:
        """What Redis answers, however late.

        Raises:
            OSError: It has answered nobody in REDIS_TIMEOUT_SECONDS (TimeoutError), or cannot be reached.
            RedisError: It cannot count.
        """
        arguments = [int(count_only)]
        for it in limits:
            arguments += [it.seconds, it.quota, it.amount, int(it.is_sliding)]
        asked = asyncio.ensure_future(self._take(keys=[self._prefix + it.key for it in limits], args=arguments))
        looks = 0
        try:
            while not asked.done() and looks < self.LOOKS:
                answers = self._answers
                await asyncio.wait([asked], timeout=self._silence_seconds / self.LOOKS)
                looks = looks + 1 if answers == self._answers else 0
            if not asked.done():
                raise TimeoutError
        finally:
            asked.cancel()
        now, used, counts = asked.result()
        self._answers += 1
        self._local.learn(limits, counts, float(now))
        return LimitDecision.from_counts(limits, used, float(now))

    def _give_back(self, limits: Sequence[Limit], asked: "asyncio.Task[LimitDecision | None]") -> None:
        """Nobody waited for this decision: what it took was used for nothing."""
        if not asked.cancelled() and (decision := asked.result()) and not decision.refused:
            self._spawn(self.add([replace(it, amount=-it.amount) for it in limits]))

    def _owe(self, limits: Sequence[Limit]) -> None:
        """Keep for Redis what was counted here. Rates are over before it matters."""
        for it in limits:
            if not it.is_sliding:
                key = it.key, it.seconds, int(time.time() // it.seconds)
                before = self._owed.get(key)
                self._owed[key] = replace(it, amount=it.amount + (before.amount if before else 0))

    def _lose(self, cause: str) -> None:
        if not self.is_away:
            self.is_away = True
            FAILURES.labels("limits", "redis").inc()
            log.warning("limits_store_away", error=cause, stand_in=self._may_fall_back)
            self._spawn(self._return())

    async def _return(self) -> None:
        """Hand over what is owed as soon as Redis takes it; then it counts again."""
        while self.is_away:
            await asyncio.sleep(self.PAUSE_SECONDS)
            owed, self._owed = self._owed, {}
            today = {key: it for key, it in owed.items() if key[2] == int(time.time() // key[1])}
            try:
                await self._answer([self.PROBE, *today.values()], count_only=True)
                self.is_away = bool(self._owed)  # counted here meanwhile
            except self._failures:
                late, self._owed = self._owed, today
                self._owe([*late.values()])
        log.info("limits_store_back")

    def _spawn(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Close the connections."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()
