"""The events of a run as server-sent events (the WHATWG HTML standard, section 9.2), in the frames of one protocol."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, Final, cast

import orjson
import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Send

from ..runtime.replies import Event
from ..telemetry.metrics import FAILURES
from .failures import Failure
from .problems import Problem
from .run_stream import RunStream

log = structlog.stdlib.get_logger(__name__)


class Frames(ABC):
    """Writes the events of one run, in order; one instance serves one stream.

    Each method gives the bytes to send, of as many frames as the protocol wants, or none: `b""`.
    """

    HEARTBEAT: ClassVar = b": still working\n\n"
    """A comment, which every reader of event streams leaves out."""

    @abstractmethod
    def of(self, event: Event) -> bytes:
        """What `event` is here. The first is `started` in general, the last `final`; new kinds may come."""

    @abstractmethod
    def of_failure(self, failure: Failure) -> bytes:
        """The end of a stream that failed after it had begun."""

    @staticmethod
    def frame(data: Any, event: str = "", number: int | None = None) -> bytes:
        """One frame with `data` as JSON, or as it is where it is bytes."""
        head = f"id: {number}\n" if number is not None else ""
        head += f"event: {event}\n" if event else ""
        return head.encode() + b"data: " + (data if isinstance(data, bytes) else orjson.dumps(data)) + b"\n\n"


class ChatFrames(Frames):
    """Those of `/v1/chat/stream`: the service's own events, numbered, and `error` with a problem document."""

    def __init__(self) -> None:
        self._sent = 0

    def of(self, event: Event) -> bytes:
        """The event as it is."""
        self._sent += 1
        return self.frame(event["data"], event["event"], self._sent)

    def of_failure(self, failure: Failure) -> bytes:
        """The event `error`."""
        problem = Problem.from_failure(failure).model_dump(exclude_none=True)
        return self.of(Event(event="error", data=problem))


class EventStream:
    """Sends a run's events as they come, and a comment when none comes for a while.

    What the run raises before its first event is raised to the caller of `response`, so that a refused
    message gets its status; later it becomes the last frames.
    """

    MEDIA_TYPE: Final = "text/event-stream"

    HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

    def __init__(self, run: RunStream, frames: Frames, request_id: str) -> None:
        """Send `run` in `frames`; failures carry `request_id`."""
        self._run = run
        self._frames = frames
        self._request_id = request_id

    async def response(self, headers: Mapping[str, str] | None = None) -> StreamingResponse:
        """The answer, once the run has shown its first event or the first silence is over."""
        await self._run.begin()
        sent = {**self.HEADERS, **(headers or {})}
        return _ClosingResponse(self._run, self._sent(), headers=sent, media_type=self.MEDIA_TYPE)

    async def _sent(self) -> AsyncGenerator[bytes]:
        try:
            async for event in self._run:
                is_silent = event["event"] == "heartbeat"
                if data := self._frames.HEARTBEAT if is_silent else self._frames.of(event):
                    yield data
        except Exception as error:  # told as the protocol tells it
            log.exception("request_failed", exc_info=error)
            FAILURES.labels("api", "stream").inc()
            yield self._frames.of_failure(Failure.from_error(error, self._request_id))


class _ClosingResponse(StreamingResponse):
    """Ends the run and its frames whichever way it ends, not when the garbage collector finds them."""

    def __init__(self, run: RunStream, frames: AsyncGenerator[bytes], **parts: Any) -> None:
        super().__init__(frames, **parts)
        self._run = run

    async def stream_response(self, send: Send) -> None:
        async with self._run, aclosing(cast(AsyncGenerator[bytes], self.body_iterator)):
            await super().stream_response(send)
