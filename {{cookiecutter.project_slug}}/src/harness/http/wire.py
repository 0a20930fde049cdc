"""What the server does otherwise than uvicorn: its sockets, and its answers in HTTP/1.0."""

import socket
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

log = structlog.stdlib.get_logger(__name__)


class CloseDelimitedCycle(RequestResponseCycle):
    """An answer to a caller who knows no chunks: without a length it lasts until the connection ends.

    RFC 9112, section 6.1; uvicorn (0.54) sends chunks to everybody.
    """

    has_length = True

    async def send(self, message: Any) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
            self.chunked_encoding = None if self.has_length else False
        elif message["type"] == "http.response.body" and not self.has_length:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)


class Protocol(HttpToolsProtocol):
    """uvicorn's, with the answers above."""

    def on_headers_complete(self) -> None:
        """A request has begun; its answer has not."""
        super().on_headers_complete()
        if self.scope["http_version"] != "1.1":
            self.cycle.__class__ = CloseDelimitedCycle


class Listener:
    """The address that HOST names."""

    @staticmethod
    def dual_stack(host: str, port: int) -> socket.socket | None:
        """A socket for `::`, which answers IPv4 as well; None for any other address: uvicorn makes it.

        asyncio's own for `::` answers IPv6 alone, whatever the system says.

        Raises:
            OSError: The port is taken.
        """
        try:
            is_any = ip_address(host.strip("[]")) == IPv6Address("::")
        except ValueError:
            is_any = False
        if not is_any or not socket.has_dualstack_ipv6():
            return None
        log.info("listening", host=host, port=port)
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
