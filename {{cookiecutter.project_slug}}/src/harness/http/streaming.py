"""A run as server-sent events (the WHATWG HTML standard, section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, cast

import orjson
import structlog
from anyio import CancelScope
from fastapi.responses import StreamingResponse
from starlette.types import Send

from ..errors import ShuttingDown
from ..runtime.replies import Event
from ..telemetry.metrics import FAILURES
from .problems import Problem
from .shutdown import ShutdownManager

log = structlog.stdlib.get_logger(__name__)

Outcome = Event | Exception | None
"""An event; what the run raised; or None, its end."""


class EventStream:
    """Sends a run's events as they come, and a comment when none comes for a while.

    The run is a task of its own: it keeps its own context, and it is cancelled as soon as the
    caller goes away. What it raises before its first event is raised to the caller of `response`,
    so that a refused message gets its status; later it becomes the last event, `error`.
    """

    MEDIA_TYPE: Final = "text/event-stream"

    HEARTBEAT_SECONDS = 15.0
    """Longest silence. Proxies cut idle connections after 30 to 60 s (nginx: 60 s)."""

    HEARTBEAT: Final = b": still working\n\n"

    HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

    def __init__(self, events: AsyncGenerator[Event], request_id: str, shutdown: ShutdownManager) -> None:
        """Send `events` until `shutdown` ends them; problem documents carry `request_id`."""
        self._request_id = request_id
        self._shutdown = shutdown
        self._outcomes: asyncio.Queue[Outcome] = asyncio.Queue(maxsize=1)
        self._run = asyncio.create_task(self._collect(events))
        self._sent = 0

    async def response(self) -> StreamingResponse:
        """The answer, once the run has shown its first event or the first silence is over."""
        try:
            first = await self._next()
        except BaseException:
            self._run.cancel()
            raise
        if isinstance(first, Exception):
            self._run.cancel()  # where it is the process that ends, the run goes on
            raise first
        return _ClosingResponse(self._frames(first), headers=self.HEADERS, media_type=self.MEDIA_TYPE)

    async def _collect(self, events: AsyncGenerator[Event]) -> None:
        end: Exception | None = None
        try:
            async with aclosing(events):
                async for event in events:
                    await self._outcomes.put(event)
        except Exception as error:  # noqa: BLE001  # handed on, to be answered as a problem
            end = error
        await self._outcomes.put(end)

    async def _next(self) -> Outcome | bytes:
        try:
            with self._shutdown.request():
                async with asyncio.timeout(self.HEARTBEAT_SECONDS):
                    return await self._outcomes.get()
        except TimeoutError:
            return self.HEARTBEAT
        except ShuttingDown as end:
            return end

    async def _frames(self, outcome: Outcome | bytes) -> AsyncGenerator[bytes]:
        try:
            while outcome is not None:
                if isinstance(outcome, Exception):
                    log.error("request_failed", exc_info=outcome)
                    FAILURES.labels("api", "stream").inc()
                    problem = Problem.from_error(outcome, self._request_id)
                    data = problem.model_dump(exclude_none=True)
                    yield self._frame(Event(event="error", data=data))
                    return
                yield outcome if isinstance(outcome, bytes) else self._frame(outcome)
                outcome = await self._next()
        finally:
            # Cancelled once and left in peace: a second cancellation, which anyio sends on every
            # turn of the loop, would end the graph's own clean-up before it stops its nodes.
            self._run.cancel()
            with CancelScope(shield=True):
                await asyncio.wait([self._run])

    def _frame(self, event: Event) -> bytes:
        self._sent += 1
        data = orjson.dumps(event["data"]).decode()
        return f"id: {self._sent}\nevent: {event['event']}\ndata: {data}\n\n".encode()


class _ClosingResponse(StreamingResponse):
    """Closes its frames whichever way it ends, not when the garbage collector finds them."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast(AsyncGenerator[bytes], self.body_iterator)):
            await super().stream_response(send)
