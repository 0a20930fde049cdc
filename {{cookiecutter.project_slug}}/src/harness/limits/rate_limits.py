"""How often a caller may ask: by address before it is known, by name afterwards."""

import ipaddress
from collections.abc import Mapping
from typing import Final

from ..settings import Settings
from .counters import Limit, LimitDecision
from .enforcement import RateHeaders, RateLimiter

SECONDS_PER_MINUTE: Final = 60  # what a minute has

IPV6_CUSTOMER_BITS: Final = 64
"""Bits of an IPv6 address that stand for one customer: the rest is theirs to choose (RFC 6177)."""


class Rates:
    """Requests a minute: of an address, and of a caller."""

    def __init__(self, settings: Settings, enforcement: RateLimiter) -> None:
        """Take the rates from the settings."""
        self._of_address = settings.rate_address_per_minute
        self._of_caller = settings.rate_caller_per_minute
        self._enforcement = enforcement

    async def address(self, host: str | None) -> None:
        """Count one request of an address; before anybody asks who it is.

        Raises:
            RateLimitExceeded: It asks too often.
        """
        await self._take("address", self.network(host), self._of_address)

    async def caller(self, owner: str) -> Mapping[str, str]:
        """Count one request of a caller with a name; what an answer's headers tell of it.

        Raises:
            RateLimitExceeded: It asks too often.
        """
        verdict = await self._take("caller", owner, self._of_caller if owner else 0)
        return RateHeaders.from_remaining(verdict.rooms) if verdict else {}

    async def _take(self, name: str, key: str, most: int) -> LimitDecision | None:
        limit = Limit(name, f"{name}:{key}", most, SECONDS_PER_MINUTE, is_sliding=True)
        return await self._enforcement.acquire([limit])

    @staticmethod
    def network(host: str | None) -> str:
        """One customer: an IPv4 address, or the first half of an IPv6 address."""
        try:
            address = ipaddress.ip_address(host or "")
        except ValueError:
            return "unknown"  # a Unix socket, or what a proxy made up
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is None:
                return str(ipaddress.ip_network((address.packed, IPV6_CUSTOMER_BITS), strict=False))
            address = address.ipv4_mapped
        return str(address)
