"""One at a time: a name is held by one turn, and others wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ..errors import ThreadBusy


class ThreadLocks:
    """Locks of this process, by name. A lock exists as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Hold `name` while entered; first come, first served. A free name is taken even with a wait of 0.

        Raises:
            ThreadBusy: It was still held after `wait_seconds`.
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
