"""Bounds what is under way at once, so that a slow part cannot take all there is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import Overloaded
from ..telemetry.metrics import FAILURES, QUEUE_LENGTH


class ConcurrencyLimiter:
    """So many at once, so many waiting; one more is refused at once."""

    def __init__(self, name: str, max_running: int, max_waiting: int) -> None:
        """Bound `name`, as the log calls it."""
        self._name = name
        self._slots = asyncio.Semaphore(max_running)
        self._max_waiting = max_waiting
        self.waiting = 0
        """Who waits for a place right now."""

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
        try:
            yield
        finally:
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
