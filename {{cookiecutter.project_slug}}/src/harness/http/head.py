"""HEAD wherever there is GET, as RFC 9110, section 9.1, asks of every server; FastAPI's routes do not."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Answers HEAD as GET, without the body; what may be done (`Allow`) names it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, HEAD as GET."""
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                allowed = headers.get("Allow", "").split(", ")
                if "GET" in allowed and "HEAD" not in allowed:
                    headers["Allow"] = ", ".join([*allowed, "HEAD"])
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if not is_head:
            await self._app(scope, receive, send_head)
            return
        inner = {**scope, "method": "GET"}  # the server goes by its own
        try:
            await self._app(inner, receive, send_head)
        finally:
            if "route" in inner:  # for the access line
                scope["route"] = inner["route"]
