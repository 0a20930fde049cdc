"""What goes wrong at real endpoints: each fault is a reply for the scripted server.

Whatever keeps the caller waiting ends when the caller leaves, so that no test waits for it.
"""

import asyncio
import gzip
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.support.peers.openai_replies import Body, Completion, Failure, Reply, Request, Text, ToolCalls, Wire

TEN_MEGABYTES = 10_000_000

BOMB_BYTES = 100_000_000
"""What the gzip bomb unfolds to; about 100 kB travel."""


def completion(message: Mapping[str, Any]) -> bytes:
    """A whole answer with this message, as bytes."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return orjson.dumps({"id": "x", "object": "chat.completion", "choices": [choice]})


@dataclass(frozen=True)
class Drip(Reply):
    """A good answer that comes byte by byte: each byte starts a read timeout anew."""

    text: str = "too slow"
    pause_seconds: float = 0.02

    async def send(self, request: Request, wire: Wire) -> None:
        content = completion({"role": "assistant", "content": self.text})
        await wire.head(200, "application/json", content_length=str(len(content)))
        for byte in content:
            await wire.send(bytes([byte]))
            await asyncio.sleep(self.pause_seconds)


class Reset(Reply):
    """The connection is reset instead of an answer."""

    async def send(self, request: Request, wire: Wire) -> None:
        await Reset.now(wire)

    @staticmethod
    async def now(wire: Wire) -> None:
        """Send RST: to linger for 0 seconds is to do just that."""
        raw = wire.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.writer.transport.abort()


@dataclass(frozen=True)
class Comments(Reply):
    """A stream of keep-alive comments, and never a word."""

    pause_seconds: float = 0.02

    async def send(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        while True:
            await wire.send(b": ping\n\n")
            await asyncio.sleep(self.pause_seconds)


class _BrokenStream(Reply):
    """The pieces of an answer; then something other than its end."""

    pieces: Sequence[str]

    async def send(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        for piece in self.pieces:
            choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            envelope = Completion._envelope(request, "chat.completion.chunk", [choice], None)
            await wire.event(envelope)
        await self.go_wrong(wire)

    async def go_wrong(self, wire: Wire) -> None:
        """What comes in place of the finish reason: nothing, the connection is closed."""


@dataclass(frozen=True)
class Counting(Text):
    """An answer whose usage stands in every piece, each time for all of it so far (vLLM, Gemini and others)."""

    async def _stream(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        deltas = list(self.deltas())
        for number, delta in enumerate(deltas, 1):
            finish = self.finish if number == len(deltas) else None
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            usage = {"prompt_tokens": 1000, "completion_tokens": number, "total_tokens": 1000 + number}
            await wire.event(self._envelope(request, "chat.completion.chunk", [choice], usage))
        await wire.send(b"data: [DONE]\n\n")


@dataclass(frozen=True)
class Slow(Text):
    """A good answer that pauses before each piece."""

    pause_seconds: float = 0.0

    async def _stream(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        for delta, finish in [*((it, None) for it in self.deltas()), ({}, self.finish)]:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            await wire.event(self._envelope(request, "chat.completion.chunk", [choice], None))
            await asyncio.sleep(self.pause_seconds)


@dataclass(frozen=True)
class Thinking(Slow):
    """A good answer after five thoughts in a field of their own."""

    field: str = "reasoning_content"

    def deltas(self) -> Iterator[dict[str, Any]]:
        for thought in range(5):
            yield {self.field: f"thought {thought}"}
        yield {"content": self.text}


@dataclass(frozen=True)
class InUnits(Text):
    """An answer in pieces of one UTF-16 unit: an emoji comes in two, as servers in JavaScript cut it."""

    def deltas(self) -> Iterator[dict[str, Any]]:
        units = self.text.encode("utf-16-le", "surrogatepass")
        for at in range(0, len(units), 2):
            yield {"content": units[at : at + 2].decode("utf-16-le", "surrogatepass")}


@dataclass(frozen=True)
class LooseCalls(ToolCalls):
    """Tool calls as compatible endpoints write them: `written` is one name's arguments, in any form, and its id."""

    written: Any = None
    call_id: str | None = None
    is_indexed: bool = True

    def message(self) -> dict[str, Any]:
        return {"role": "assistant", "content": None, "tool_calls": list(self._loose())}

    def deltas(self) -> Iterator[dict[str, Any]]:
        for at, call in enumerate(self._loose()):
            yield {"tool_calls": [{"index": at, **call} if self.is_indexed else call]}

    def _loose(self) -> Iterator[dict[str, Any]]:
        for name, _ in self.calls:
            yield {"id": self.call_id, "type": "function", "function": {"name": name, "arguments": self.written}}


@dataclass
class Picky:
    """A script that refuses what it does not know, and else answers by another script."""

    refused: str
    """A key of the request."""
    told: str
    """What it says to it."""
    otherwise: Callable[[Request], Reply]
    status: int = 400

    def __call__(self, request: Request) -> Reply:
        if self.refused in request.body:
            return Failure(self.status, self.told)
        return self.otherwise(request)


@dataclass(frozen=True)
class CutStream(_BrokenStream):
    """A stream that ends politely in mid-answer: no finish reason, no [DONE]."""

    pieces: Sequence[str] = ("half an ",)


@dataclass(frozen=True)
class ResetStream(_BrokenStream):
    """A stream whose connection is reset in mid-answer."""

    pieces: Sequence[str] = ("half an ",)

    async def go_wrong(self, wire: Wire) -> None:
        await Reset.now(wire)


@dataclass(frozen=True)
class StalledStream(_BrokenStream):
    """A stream that says something, then only keeps the connection alive."""

    pieces: Sequence[str] = ("half an ",)
    pause_seconds: float = 0.02

    async def go_wrong(self, wire: Wire) -> None:
        while True:
            await wire.send(b": ping\n\n")
            await asyncio.sleep(self.pause_seconds)


@dataclass(frozen=True)
class BrokenFrame(_BrokenStream):
    """A stream with a frame that is no JSON."""

    pieces: Sequence[str] = ()

    async def go_wrong(self, wire: Wire) -> None:
        await wire.send(b'data: {"choices": [{"del\n\n')


class Html(Body):
    """A success that is a page of some proxy."""

    def __init__(self) -> None:
        page = b"<html><body>Please log in to the portal.</body></html>"
        super().__init__(page, content_type="text/html")


class TruncatedJson(Body):
    """The first half of a good answer."""

    def __init__(self) -> None:
        whole = completion({"role": "assistant", "content": "the whole answer"})
        super().__init__(whole[: len(whole) // 2])


class WrongSchema(Body):
    """JSON, and not what a chat completion looks like."""

    def __init__(self) -> None:
        super().__init__(b'{"answer": 42}')


class NullContent(Body):
    """A message with neither text nor tool calls."""

    def __init__(self) -> None:
        super().__init__(completion({"role": "assistant", "content": None}))


class Huge(Body):
    """A good answer of 10 MB."""

    def __init__(self) -> None:
        super().__init__(completion({"role": "assistant", "content": "a" * TEN_MEGABYTES}))


class GzipBomb(Body):
    """A good answer that unfolds a thousandfold."""

    def __init__(self) -> None:
        packed = gzip.compress(completion({"role": "assistant", "content": "a" * BOMB_BYTES}), 1)
        super().__init__(packed, headers={"content_encoding": "gzip"})


class Zipped(Body):
    """A good answer, compressed though nobody asked for it."""

    def __init__(self, text: str) -> None:
        packed = gzip.compress(completion({"role": "assistant", "content": text}))
        super().__init__(packed, headers={"content_encoding": "gzip"})


class Busy(Body):
    """429 with the seconds to wait."""

    def __init__(self, retry_after: float) -> None:
        content = orjson.dumps({"error": {"message": "scripted rate limit", "type": "scripted"}})
        super().__init__(content, 429, headers={"retry_after": f"{retry_after:g}"})


@dataclass
class EndlessToolCalls:
    """A script: the same tool call again and again, whatever the tools give back."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, request: Request) -> Reply:
        return ToolCalls([(self.name, self.arguments)]) if request.tools else Text("nothing")


@dataclass
class Switchable:
    """A script that a test changes while the server runs: what it says now, and while it is down."""

    up: Reply
    down: Reply = field(default_factory=lambda: Failure(503))
    is_down: bool = False

    def __call__(self, request: Request) -> Reply:
        return self.down if self.is_down else self.up
