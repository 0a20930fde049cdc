"""One connection of a caller, bounded before there is a request: uvicorn alone waits and reads for ever."""

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, Literal
from uuid import uuid4

import structlog
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..limits.rate_limits import Rates
from ..telemetry.metrics import CONNECTIONS_ENDED, HTTP_REQUESTS
from .bounds import BoundedConfig
from .middleware import AccessLogMiddleware
from .problems import Problem

log = structlog.stdlib.get_logger(__name__)

CHUNK_BYTES: Final = 6
"""What one byte of a body takes on the wire as a chunk of its own (RFC 9112, section 7.1)."""

End = Literal["slow_headers", "slow_body", "large_headers", "large_body", "too_many"]
"""Why a connection was ended."""


class Stage(Enum):
    """Where the reading of a connection stands."""

    IDLE = "idle"
    HEADERS = "headers"
    BODY = "body"


class BoundedConnection(HttpToolsProtocol):
    """Ends a connection whose headers or body are not there in time, or larger than they may be.

    The time is wall time, from the first byte of the headers and from their end. Between two
    requests uvicorn's own keep-alive timeout holds. A body that a route reads is bounded by
    `BodyLimitMiddleware`, which can answer; here is the end of one that nobody reads, since the answer was
    early, and of what is no body: chunk extensions and trailers without end.
    """

    config: BoundedConfig

    def __init__(self, *args: Any, **options: Any) -> None:
        """As uvicorn makes it, one for each connection."""
        super().__init__(*args, **options)
        self._bounds = self.config.bounds
        self._stage = Stage.IDLE
        self._bytes = 0
        """Of this stage; its first read is counted for the stage that it ends, so that the bounds
        are exact to a read, which is 256 KiB at most."""
        self._timer: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, unless its address has too many."""
        super().connection_made(transport)
        host = self.client[0] if self.client else None
        self._address = Rates.network(host)
        self._bounds.add(self._address)
        if self._bounds.are_passed(self._address, host):
            self._end("too_many")
        else:
            self._wait(Stage.HEADERS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        self._bounds.take_away(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._bytes += len(data)
        super().data_received(data)
        if not self.transport.is_closing():
            self._hold_to_bounds()

    def _hold_to_bounds(self) -> None:
        if self._bytes > self._most_bytes():
            self._end_large()
        elif self._timer is None and (self._stage is not Stage.IDLE or not self._is_answering):
            # Idle: line ends before a request, or the end of a body that was answered before it
            # was whole. uvicorn has just stopped its own timer.
            self._wait(self._stage)

    def _most_bytes(self) -> int:
        if self._stage is not Stage.BODY:
            return self._bounds.header_bytes
        return self._bounds.body_bytes * (CHUNK_BYTES if self._is_answering else 1)

    def _end_large(self) -> None:
        if self._stage is Stage.BODY:
            self._end("large_body")
        else:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            self._end("large_headers")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._stage = Stage.HEADERS

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body (a trailer) is nobody's."""
        if self._stage is Stage.HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body begins, if there is one."""
        self._turn_to(Stage.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._turn_to(Stage.IDLE)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST)
        self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Say by hand what no application can: there is no request yet."""
        request_id = uuid4().hex
        problem = Problem.from_error(HTTPException(status), request_id)
        answer = problem.response({AccessLogMiddleware.HEADER: request_id, "Connection": "close"})
        lines = [STATUS_LINE[status], *(b"%s: %s\r\n" % it for it in answer.raw_headers)]
        self.transport.write(b"".join([*lines, b"\r\n", answer.body]))
        HTTP_REQUESTS.labels("other", f"{status // 100}xx").observe(0)
        log.info("request", request_id=request_id, method=None, route=None, status=status, ms=0)

    @property
    def _is_answering(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)  # None before the first

    def _turn_to(self, stage: Stage) -> None:
        self._stage = stage
        self._bytes = 0
        self._stop_waiting()

    def _wait(self, stage: Stage) -> None:
        is_body = stage is Stage.BODY
        seconds = self._bounds.body_seconds if is_body else self._bounds.header_seconds
        self._timer = self.loop.call_later(seconds, self._too_late, stage)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self, stage: Stage) -> None:
        if self._is_answering:
            # A request before this one is being answered, and uvicorn reads no further meanwhile;
            # or the route waits for this body, and `BodyLimitMiddleware` answers.
            self._wait(stage)
        else:
            self._end("slow_body" if stage is Stage.BODY else "slow_headers")

    def _end(self, reason: End) -> None:
        self._stop_waiting()
        CONNECTIONS_ENDED.labels(reason).inc()
        self.transport.close()
