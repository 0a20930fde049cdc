"""What a scripted chat-completions server may answer: completions, errors, and misbehaviour.

A new way to misbehave is one more `Reply`: it owns the connection from the request on.
"""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

import orjson

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
"""What every successful reply claims to have used."""

PATH = "/v1/chat/completions"
"""The one place with completions; the other replies are given wherever they are asked for."""

STANDARD = frozenset(HTTPStatus)
"""Statuses with a phrase; providers have more, such as 529."""

CREATED = 1_700_000_000


@dataclass(frozen=True)
class Request:
    """One request as the server received it."""

    MARKED: ClassVar = re.compile(r"<tool_result (\w+): [^>]+>\n(.*)\n</tool_result \1>", re.DOTALL)

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        return list(self.body["messages"])

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools and of the schema that may be called."""
        return [tool["function"]["name"] for tool in self.body.get("tools", [])]

    @property
    def results(self) -> Sequence[str]:
        """What the tools gave back so far, without the marks around it."""
        told = [str(m["content"]) for m in self.messages if m["role"] == "tool"]
        return [self.MARKED.sub(r"\2", text) for text in told]

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))


class Wire:
    """The way back to the caller. The reply's end is the connection's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def gone(self) -> None:
        """Wait until the caller has closed the connection."""
        await self._reader.read()

    async def head(self, status: int, content_type: str, **headers: str) -> None:
        phrase = HTTPStatus(status).phrase if status in STANDARD else "Own"
        lines = [f"HTTP/1.1 {status} {phrase}", f"content-type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "connection: close", "", ""]).encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def event(self, data: Mapping[str, Any]) -> None:
        await self.send(b"data: " + json.dumps(data).encode() + b"\n\n")  # orjson refuses halves of an emoji


class Reply(ABC):
    """What one request gets."""

    @abstractmethod
    async def send(self, request: Request, wire: Wire) -> None:
        """Answer `request`."""


class Completion(Reply):
    """A well-formed answer, whole or in pieces as the request asks for."""

    finish: str

    @abstractmethod
    def message(self) -> dict[str, Any]:
        """The assistant's message."""

    @abstractmethod
    def deltas(self) -> Iterator[dict[str, Any]]:
        """The same message in pieces."""

    async def send(self, request: Request, wire: Wire) -> None:
        if request.path != PATH:
            await Failure(404, f"nothing at {request.path}").send(request, wire)
            return
        if request.streams:
            await self._stream(request, wire)
            return
        choice = {"index": 0, "message": self.message(), "finish_reason": self.finish}
        await wire.head(200, "application/json")
        answer = self._envelope(request, "chat.completion", [choice], USAGE)
        await wire.send(orjson.dumps(answer))

    async def _stream(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        pieces = [({"role": "assistant", "content": ""}, None)]
        pieces += [(delta, None) for delta in self.deltas()]
        for delta, finish in [*pieces, ({}, self.finish)]:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            await wire.event(self._envelope(request, "chat.completion.chunk", [choice], None))
        if request.body.get("stream_options", {}).get("include_usage"):
            await wire.event(self._envelope(request, "chat.completion.chunk", [], USAGE))
        await wire.send(b"data: [DONE]\n\n")

    @staticmethod
    def _envelope(
        request: Request, kind: str, choices: Sequence[Any], usage: Mapping[str, int] | None
    ) -> dict[str, Any]:
        return {
            "id": "chatcmpl-scripted",
            "object": kind,
            "created": CREATED,
            "model": request.model,
            "choices": choices,
            "usage": usage,
        }


@dataclass(frozen=True)
class Text(Completion):
    """An answer in words."""

    text: str
    finish: str = "stop"

    def message(self) -> dict[str, Any]:
        return {"role": "assistant", "content": self.text}

    def deltas(self) -> Iterator[dict[str, Any]]:
        for piece in re.findall(r"\S+\s*|\s+", self.text):
            yield {"content": piece}


@dataclass(frozen=True)
class TextWithAsides(Text):
    """An answer, and beside it what the model thought and a call that nobody offered."""

    aside: str = ""

    def message(self) -> dict[str, Any]:
        calls = [self._call(0, {"name": "note", "arguments": orjson.dumps([self.aside]).decode()})]
        return {**super().message(), "reasoning_content": self.aside, "tool_calls": calls}

    def deltas(self) -> Iterator[dict[str, Any]]:
        yield {"tool_calls": [self._call(0, {"name": "note", "arguments": '["'})]}
        for piece in re.findall(r"\S{1,5}\s*|\s+", self.aside):
            yield {"reasoning_content": piece}
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        yield from super().deltas()

    @staticmethod
    def _call(index: int, function: Mapping[str, str]) -> dict[str, Any]:
        return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


@dataclass(frozen=True)
class ToolCalls(Completion):
    """Calls of tools, each a name and its arguments."""

    calls: Sequence[tuple[str, Mapping[str, Any]]]
    finish: str = "tool_calls"

    def message(self) -> dict[str, Any]:
        calls = [
            {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": text}}
            for at, (name, text) in enumerate(self._written())
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}

    def deltas(self) -> Iterator[dict[str, Any]]:
        for at, (name, text) in enumerate(self._written()):
            named = {"name": name, "arguments": ""}
            opened = {"index": at, "id": f"call_{at}", "type": "function", "function": named}
            yield {"tool_calls": [opened]}
            for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
                yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}

    def _written(self) -> Sequence[tuple[str, str]]:
        return [(name, orjson.dumps(arguments).decode()) for name, arguments in self.calls]


@dataclass(frozen=True)
class Body(Reply):
    """Exactly these bytes, such as half a JSON document."""

    content: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, request: Request, wire: Wire) -> None:
        await wire.head(self.status, self.content_type, **self.headers)
        await wire.send(self.content)


class Failure(Body):
    """An error of the API. Asks for the retry at once, so that tests need not wait."""

    def __init__(self, status: int, message: str = "scripted failure") -> None:
        content = orjson.dumps({"error": {"message": message, "type": "scripted"}})
        super().__init__(content, status, headers={"retry_after_ms": "1"})


class NoChoices(Body):
    """A success without an answer, as some gateways send it."""

    def __init__(self) -> None:
        super().__init__(
            orjson.dumps(
                {
                    "id": "chatcmpl-scripted",
                    "object": "chat.completion",
                    "created": CREATED,
                    "model": "scripted",
                    "choices": [],
                }
            )
        )


class Hang(Reply):
    """Never answers; ends when the caller leaves or the server does."""

    async def send(self, request: Request, wire: Wire) -> None:
        await wire.gone()
