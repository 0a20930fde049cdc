"""What a proxy in front says of the caller: address and scheme, as `X-Forwarded-For` and `-Proto`."""

from ipaddress import IPv6Address
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class ForwardedMiddleware:
    """uvicorn's, for what it does not read: the schemes of several proxies, and IPv4 seen through IPv6."""

    SCHEMES: Final = b"x-forwarded-proto"

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        """Believe the addresses and networks `trusted`."""
        self._forwarded = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type]  # its types of ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass as its caller's."""
        if client := scope.get("client"):
            scope["client"] = (self._short(client[0]), client[1])
        if scope["type"] != "lifespan":
            # Each proxy may have added its own; the first one met the caller.
            scope["headers"] = [
                (name, value.split(b",")[0] if name == self.SCHEMES else value) for name, value in scope["headers"]
            ]
        await self._forwarded(scope, receive, send)  # type: ignore[arg-type]  # the same

    @staticmethod
    def _short(host: str) -> str:
        """`::ffff:10.0.0.1`, as a socket for both kinds of address shows it, is 10.0.0.1."""
        try:
            return str(IPv6Address(host).ipv4_mapped or host)
        except ValueError:
            return host
