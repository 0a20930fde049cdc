"""What one connection of a caller may take, and uvicorn's configuration with it.

A worker process reads this before it can answer the process that watches over it, which waits 5 s:
so it imports uvicorn alone, and names what is heavy.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final, Self

import uvicorn

if TYPE_CHECKING:
    from ..settings import Settings

PROTOCOL: Final = f"{__package__}.connection:BoundedConnection"
"""What holds connections to it; imported when the server starts."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connection may take, and how many one address may have open in this process."""

    header_seconds: float
    body_seconds: float
    header_bytes: int
    body_bytes: int
    connections: int
    """Of one address; 0: no bound."""
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    """Not counted: behind one address of theirs are all callers."""
    open: Counter[str] = field(default_factory=Counter)
    """How many there are, by address."""

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """The bounds that the settings say."""
        proxies = filter(None, map(str.strip, (settings.trusted_proxies or "").split(",")))
        return cls(
            settings.header_timeout_seconds,
            settings.body_timeout_seconds,
            settings.header_max_bytes,
            settings.body_max_bytes,
            settings.address_max_connections,
            tuple(ip_network(proxy, strict=False) for proxy in proxies),
        )

    def add(self, address: str) -> None:
        """Count one more connection of an address (`Rates.network`)."""
        self.open[address] += 1

    def take_away(self, address: str) -> None:
        """Count one less."""
        self.open[address] -= 1
        if not self.open[address]:
            del self.open[address]

    def are_passed(self, address: str, host: str | None) -> bool:
        """Whether this address has too many open; `host` is as it connected."""
        if not self.connections or self.open[address] <= self.connections:
            return False
        try:
            known = ip_address(host or "")
        except ValueError:  # a Unix socket: whoever may open it is let in
            return False
        return not any(known in proxy for proxy in self.proxies)


class BoundedConfig(uvicorn.Config):
    """uvicorn's configuration with our connections; it goes to each worker process."""

    def __init__(self, app: Any, bounds: Bounds, **options: Any) -> None:
        """Serve `app`; `options` are uvicorn's."""
        self.bounds = bounds
        # No WebSocket is served here: its protocol would take a connection over, without bounds.
        super().__init__(app, http=PROTOCOL, ws="none", **options)
