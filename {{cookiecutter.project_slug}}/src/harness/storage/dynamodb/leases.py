"""Locks that processes share: each is a lease that its holder renews, and that is over when nobody does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog

from ...errors import StoreUnavailable, ThreadBusy
from .table import Table

log = structlog.stdlib.get_logger(__name__)


@dataclass
class Lease:
    """One that this process holds."""

    name: str
    token: str
    beat: int
    renewed_at: tuple[float, float]
    """By both clocks: the one that nobody sets stands still in a machine that is paused."""
    is_lost: bool = False

    async def confirm(self) -> None:
        """Check that nobody else can have it by now; no round trip.

        Raises:
            StoreUnavailable: Somebody may.
        """
        elapsed = max(now - then for now, then in zip(self.clocks(), self.renewed_at, strict=True))
        if self.is_lost or elapsed >= Leases.SECONDS:
            self.is_lost = True
            raise StoreUnavailable("the thread's lock was lost")

    @staticmethod
    def clocks() -> tuple[float, float]:
        """What both say."""
        return time.monotonic(), time.time()


class Leases:
    """Locks of one process. Nobody's clock is compared with another machine's.

    Who waits takes a lease over when it has stood still for SECONDS by its own clock, as AWS's lock client does. The
    caller sees to it that this process asks for a name once at a time.
    """

    SECONDS: Final = 6.0
    """How long a lease counts after its last renewal, seconds: below TURN_WAIT_SECONDS (10), so that the turn after a
    crash still comes; guess."""

    RENEWAL_SECONDS: Final = 2.0
    """Pause between renewals, seconds: two may fail. A run that is shorter costs none."""

    POLL_SECONDS: Final = 0.1
    """Pause between two tries for one that another process holds, seconds: each is paid for; guess."""

    DAY_SECONDS: Final = 24 * 3600
    """After it, the table forgets a lease that a crash left."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._releasing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[Lease]:
        """Lock `name` while entered.

        Raises:
            ThreadBusy: Another process still had it after `wait_seconds`.
            StoreUnavailable: The store is away.
        """
        lease = await self._acquire(name, wait_seconds)
        renewing = asyncio.create_task(self._renew(lease))
        try:
            yield lease
        finally:
            renewing.cancel()
            releasing = asyncio.create_task(self._release(lease))  # also where the caller is cancelled meanwhile
            self._releasing.add(releasing)
            releasing.add_done_callback(self._releasing.discard)
            await asyncio.wait({releasing})

    async def _acquire(self, name: str, wait_seconds: float) -> Lease:
        token, start = uuid4().hex, time.monotonic()
        seen, since = ("", 0), start
        while True:
            asked_at = Lease.clocks()
            lease = Lease(name, token, 0, asked_at)
            is_still = time.monotonic() - since >= self.SECONDS
            condition = "attribute_not_exists(#PK)" + (" OR (#token = :token AND #beat = :beat)" if is_still else "")
            values = {"token": seen[0], "beat": seen[1]} if is_still else {}
            if await self._table.timeout.call(self._table.put(self._item(lease), condition, **values)):
                return lease
            if time.monotonic() - start >= wait_seconds:
                raise ThreadBusy(wait_seconds)
            held = await self._table.timeout.call(self._table.get((f"lock#{name}", "lock")))
            now = (held["token"], int(held["beat"])) if held else ("", 0)
            seen, since = (seen, since) if now == seen else (now, time.monotonic())
            await asyncio.sleep(self.POLL_SECONDS if held else 0)

    async def _renew(self, lease: Lease) -> None:
        while not lease.is_lost:
            await asyncio.sleep(self.RENEWAL_SECONDS)
            asked_at = Lease.clocks()
            lease.beat += 1
            with suppress(StoreUnavailable):  # the next one may do; else it is over in time
                put = self._table.put(self._item(lease), "#token = :token", token=lease.token)
                lease.is_lost = not await self._table.timeout.call(put)
                lease.renewed_at = asked_at

    async def _release(self, lease: Lease) -> None:
        deleted = self._table.delete((f"lock#{lease.name}", "lock"), "#token = :token", token=lease.token)
        with suppress(StoreUnavailable):  # it ends by itself
            if await self._table.timeout.call(deleted) is None:
                log.warning("turn_lock_lost")

    def _item(self, lease: Lease) -> dict[str, str | int]:
        end = int(time.time() + self.DAY_SECONDS)
        return {"PK": f"lock#{lease.name}", "SK": "lock", "token": lease.token, "beat": lease.beat, "ttl": end}
