"""Bounds what is under way at once, so that neither a slow part nor one caller takes every place."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from ..errors import Overloaded
from ..settings import Settings
from ..telemetry.metrics import FAILURES, QUEUE_LENGTH
from .counters import Limit, Remaining
from .rate_limiter import RateLimiter


class ConcurrencyLimiter:
    """So many at once, so many waiting; one more is refused at once."""

    def __init__(self, name: str, max_running: int, max_waiting: int) -> None:
        """Bound `name`, as the log calls it."""
        self._name = name
        self._slots = asyncio.Semaphore(max_running)
        self._max_waiting = max_waiting
        self.running = 0
        """Who has a place right now."""
        self.waiting = 0
        """Who waits for one."""

    @asynccontextmanager
    async def acquire(self, seconds: float) -> AsyncIterator[None]:
        """A place; waits for it no longer than `seconds`.

        Raises:
            Overloaded: There is none, nor one to wait for; nothing was begun.
        """
        if self._slots.locked():
            await self._wait(seconds)
        else:
            await self._slots.acquire()  # does not wait
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._slots.release()

    async def _wait(self, seconds: float) -> None:
        if self.waiting >= self._max_waiting:
            FAILURES.labels("limits", self._name).inc()
            raise Overloaded(self._name)
        self.waiting += 1
        try:
            with QUEUE_LENGTH.labels(self._name).track_inprogress():
                async with asyncio.timeout(seconds):
                    await self._slots.acquire()
        except TimeoutError:
            FAILURES.labels("limits", self._name).inc()
            raise Overloaded(self._name) from None
        finally:
            self.waiting -= 1


class PerCallerLimiter:
    """So many messages of one caller at once, in this process.

    Callers without a name are not held: they would all be one. Their rate by address holds them.
    """

    NAME: Final = "caller-running"

    RETRY_SECONDS: Final = 1
    """What a refused caller is told to wait, seconds: an answer takes about that. A guess."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        """Take the bound from the settings; 0 is none."""
        self._quota = settings.caller_max_running if limiter.mode != "off" else 0
        self._limiter = limiter
        self._running: Counter[str] = Counter()

    def check(self, principal_id: str, running: int) -> None:
        """Pass when one more than `running` may be under way.

        Raises:
            RateLimitExceeded: They are as many as may be.
        """
        if principal_id and self._quota and running >= self._quota:
            limit = Limit(self.NAME, principal_id, self._quota, self.RETRY_SECONDS)
            self._limiter.refuse(Remaining(limit, 0, self.RETRY_SECONDS))

    @contextmanager
    def acquire(self, principal_id: str) -> Iterator[None]:
        """One message of a caller, under way as long as the block.

        Raises:
            RateLimitExceeded: It has too many under way.
        """
        if not (principal_id and self._quota):
            yield
            return
        self.check(principal_id, self._running[principal_id])
        self._running[principal_id] += 1
        try:
            yield
        finally:
            self._running[principal_id] -= 1
            if not self._running[principal_id]:
                del self._running[principal_id]
