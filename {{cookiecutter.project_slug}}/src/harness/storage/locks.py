"""Locks by name within this process, each wait bounded in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ..errors import ThreadBusy


class ThreadLocks:
    """A lock for each name, as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered; first come, first served. With a wait of 0, only a free one.

        Raises:
            ThreadBusy: It was still locked after `wait_seconds`.
        """
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(wait_seconds):
                await lock.acquire()
        except TimeoutError:
            raise ThreadBusy(wait_seconds) from None
        try:
            yield
        finally:
            lock.release()
