"""What every request passes on its way in. Plain ASGI: a `BaseHTTPMiddleware` costs 0.26 ms."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Final
from uuid import uuid4

import structlog
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import ServiceError
from ..settings import Settings
from ..telemetry.metrics import FAILURES, HTTP_REQUESTS, REQUESTS_RUNNING
from ..telemetry.tracing import TRACES
from .failures import RequestRefused
from .problems import Problem

log = structlog.stdlib.get_logger(__name__)


class AccessLogMiddleware:
    """Names the request, writes its one access line, and answers what the routes did not.

    An `X-Request-ID` of ours or of a proxy is taken over when it is well formed. It is in the
    answer's header, in problem documents and on every log line of the request.
    """

    HEADER: Final = "X-Request-ID"
    WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, and write its line when it has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        given = asked.get(self.HEADER, "")
        request_id = given if self.WELL_FORMED.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started_at = perf_counter()
        status: int | None = None
        root = scope.get("root_path", "")

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[self.HEADER] = request_id
                # For its caller alone: a shared cache stores what was asked with `X-API-Key` (RFC 9111, 3.5).
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            with REQUESTS_RUNNING.track_inprogress(), TRACES.joined(asked):
                await self._app(scope, receive, send_named)
        except Exception as error:
            if not isinstance(error, ServiceError | HTTPException):
                FAILURES.labels("api", "request").inc()
            if status is not None:
                log.exception("request_failed")
                raise  # the server cuts the connection, so that the caller sees a broken answer
            answer = Problem.answer(error, scope)
            await answer(scope, receive, send_named)
        finally:
            seconds = perf_counter() - started_at
            route = self._route(scope, root)
            status_class = f"{status // 100}xx" if status else "none"
            HTTP_REQUESTS.labels(route or "other", status_class).observe(seconds)
            log.info("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1))

    @staticmethod
    def _route(scope: Scope, root: str) -> str | None:
        """Which route was asked for, also where it was refused before, or does not name itself."""
        if route := scope.get("route"):
            below = scope.get("root_path", "").removeprefix(root)  # of a mount
            return f"{below}{getattr(route, 'path', route)}"  # other frameworks' routes name themselves by a text
        asked = {**scope, "root_path": root}
        routes = iter_route_contexts(scope["app"].routes)
        return next((it.path for it in routes if it.matches(asked)[0] is not Match.NONE), None)


class WellFormedMiddleware:
    """Refuses what two readers could understand differently, as RFC 9112 and 9110 ask: servers let it pass.

    A proxy in front may have decided by the other reading who is asked, and where the request ends.
    """

    VERSIONS: Final = ("1.0", "1.1", "2", "3")
    """As ASGI names them. uvicorn lets `0.9` and `2.0` pass, which it does not speak."""

    HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]+)(?::[0-9]*)?")
    """RFC 3986, section 3.2.2; without the comma, by which proxies join two."""

    SINGLE: Final = (b"host", b"authorization", b"content-type", b"content-length", b"transfer-encoding")
    """Headers of which only one can count."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass when it has one meaning.

        Raises:
            RequestRefused: It has none, or several.
        """
        if scope["type"] == "http" and (problem := self._problem(scope)):
            raise RequestRefused(HTTPStatus.BAD_REQUEST, problem, {"Connection": "close"})
        await self._app(scope, receive, send)

    @classmethod
    def _problem(cls, scope: Scope) -> str:
        names = [name for name, _ in scope["headers"]]
        for name in cls.SINGLE:
            if names.count(name) > 1:
                return f"{name.decode().title()}: send it once."
        headers = dict(scope["headers"])
        version = scope["http_version"]
        if version not in cls.VERSIONS:
            return "Speak HTTP/1.1."
        is_old = version == "1.0"
        host = headers.get(b"host")
        if host is None and not is_old:
            return "Host: send it."
        if host is not None and not cls.HOST.fullmatch(host):
            return "Host: send a name or an address, and a port if need be."
        coding = headers.get(b"transfer-encoding", b"chunked").strip().lower()
        is_framed_twice = {b"transfer-encoding", b"content-length"} <= headers.keys()
        if coding != b"chunked" or is_framed_twice or (is_old and b"transfer-encoding" in headers):
            return "Transfer-Encoding: send `chunked` and no Content-Length, in HTTP/1.1."
        return ""


class RequestLimitsMiddleware:
    """Refuses headers and a body that are too large, and a body that is not whole in time.

    Request line and headers are counted together. A body is refused by its declared length at once,
    else while it is read, however it drips: only where something reads it. FastAPI has a limit of
    size, but it knows neither our request id nor problem documents.
    """

    def __init__(self, app: ASGIApp, settings: Settings, body_max_bytes: Mapping[str, int] | None = None) -> None:
        """Refuse bodies larger than BODY_MAX_BYTES, or than `body_max_bytes` says for their path."""
        self._app = app
        self._settings = settings
        self._body_max_bytes = body_max_bytes or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass with its body counted.

        Raises:
            HTTPException: Its headers are too large.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._size(scope) > self._settings.header_max_bytes:
            raise self.refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        most = self._body_max_bytes.get(scope["path"], self._settings.body_max_bytes)
        body = BoundedBody(scope, receive, most, self._settings.body_timeout_seconds)
        try:
            await self._app(scope, body.receive, send)
        except Exception:
            if body.refusal:  # whatever a framework below has made of it
                raise body.refusal from None
            raise

    @staticmethod
    def _size(scope: Scope) -> int:
        headers = sum(len(name) + len(value) for name, value in scope["headers"])
        return headers + len(scope.get("raw_path") or b"") + len(scope["query_string"])

    @staticmethod
    def refusal(status: HTTPStatus) -> HTTPException:
        """The answer, after which the connection ends: the rest is not read."""
        return HTTPException(status, headers={"Connection": "close"})


class BoundedBody:
    """The body of one request, counted while it is read."""

    def __init__(self, scope: Scope, receive: Receive, most: int, seconds: float) -> None:
        """Of at most `most` bytes, whole in `seconds`."""
        self._receive = receive
        self._declared = Headers(scope=scope).get("content-length", "")
        self._most = most
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._is_whole = False
        self._size = 0
        self.refusal: HTTPException | None = None
        """Why it was not read to its end."""

    async def receive(self) -> Message:
        """The next part.

        Raises:
            HTTPException: It is too large, or not there in time.
        """
        if self._is_whole:  # what comes now is the caller's leaving, whenever that is
            return await self._receive()
        if self._is_too_large(self._declared, self._most):
            raise self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise self._refused(HTTPStatus.REQUEST_TIMEOUT) from None
        self._is_whole = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    def _refused(self, status: HTTPStatus) -> HTTPException:
        self.refusal = RequestLimitsMiddleware.refusal(status)
        return self.refusal

    @staticmethod
    def _is_too_large(declared: str, most: int) -> bool:
        digits = declared.lstrip("0")
        # Python reads no number of thousands of digits.
        return digits.isdecimal() and (len(digits) > len(str(most)) or int(digits) > most)
