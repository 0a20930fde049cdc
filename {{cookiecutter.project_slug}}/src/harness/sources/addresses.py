"""Where a connection may go: the address is resolved, checked and then used, once."""

import asyncio
import socket
import tomllib
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import httpcore2
import httpx2

from ..errors import PolicyViolation


class PublicAddresses:
    """Which addresses are of the Internet: by our own table, since each Python knows other ones."""

    TABLES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    GLOBAL: Final = IPv6Network(TABLES["global_unicast"])
    SPECIAL: Final = tuple(map(ip_network, (*TABLES["special"], *TABLES["providers"])))
    INSIDE: Final = tuple(map(IPv6Network, TABLES["inside"]))

    LAST_32_BITS: Final = 0xFFFF_FFFF

    @classmethod
    def holds(cls, text: str) -> bool:
        """True for a unicast address that anybody may have; an IPv4 address inside an IPv6 one decides."""
        address = ip_address(text.partition("%")[0])  # without the zone of a link-local one
        if any(address in network for network in cls.INSIDE):
            address = IPv4Address(int(address) & cls.LAST_32_BITS)
        if isinstance(address, IPv6Address) and address not in cls.GLOBAL:
            return False
        return not any(address in network for network in cls.SPECIAL)


class PinnedBackend(httpcore2.AnyIOBackend):
    """Opens connections to public addresses, and to the hosts that may be private.

    It connects to the very address that it checked: a name that means another one by the next
    look-up (DNS rebinding) changes nothing. TLS still asks for the name's certificate.
    """

    NEXT_SECONDS: Final = 1.0
    """Longest wait for an address that is not the last of its host, seconds; guess."""

    def __init__(self, private_hosts: Collection[str]) -> None:
        """Connect to `private_hosts` wherever they are."""
        self._private_hosts = frozenset(private_hosts)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address of `host` that takes one.

        Raises:
            PolicyViolation: One of its addresses is no public one; nothing was sent to any.
            httpcore2.ConnectError: It has none, or none takes a connection.
        """
        *others, last = await self._addresses(host, port)
        for address in others:
            wait = self.NEXT_SECONDS if timeout is None else min(timeout, self.NEXT_SECONDS)
            try:
                return await super().connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Never.

        Raises:
            PolicyViolation: Always; no data source is one.
        """
        raise PolicyViolation("address", "sockets of this machine are not opened")

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of more than 63 letters
            raise httpcore2.ConnectError(type(error).__name__) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        if not addresses:
            raise httpcore2.ConnectError("no address")
        if host not in self._private_hosts and not all(map(PublicAddresses.holds, addresses)):
            raise PolicyViolation("address", "it is a private one; name the host in DATA_PRIVATE_HOSTS if it may be")
        return addresses


class SsrfSafeTransport(httpx2.AsyncHTTPTransport):
    """httpx's own transport over a `PinnedBackend`. The environment's proxies do not apply."""

    def __init__(self, private_hosts: Collection[str]) -> None:
        """Reach `private_hosts` wherever they are.

        Raises:
            TypeError: httpx2 has changed so that addresses would not be checked.
        """
        super().__init__()
        if not hasattr(self._pool, "_network_backend"):
            raise TypeError("this httpx2 opens connections elsewhere: nothing would be checked")
        # httpx2 (2.16) has no argument for it.
        self._pool._network_backend = PinnedBackend(private_hosts)  # noqa: SLF001 - see above
