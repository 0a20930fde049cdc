"""What a scripted Bedrock endpoint answers to Converse and ConverseStream.

Serve them with `OpenAIServer`, which only moves HTTP: LLM_BASE_URL is its `address`. The client
signs its requests; any credentials do, nobody checks.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import orjson

from tests.support.peers.openai_replies import Body, Reply, Request, Text, ToolCalls, Wire

USAGE = {"inputTokens": 17, "outputTokens": 3, "totalTokens": 20}
"""What every successful reply claims to have used."""


class Refused(Body):
    """An error as AWS sends it before an answer begins."""

    def __init__(self, status: int, code: str, message: str = "scripted") -> None:
        headers = {"x_amzn_errortype": code}
        super().__init__(orjson.dumps({"message": message}), status, headers=headers)


class Throttled(Refused):
    """429 as AWS sends it."""

    def __init__(self) -> None:
        super().__init__(429, "ThrottlingException")


class Frame:
    """One message of AWS's binary encoding: lengths, their sum, headers, payload, the sum."""

    @classmethod
    def event(cls, name: str, payload: Mapping[str, Any]) -> bytes:
        """A part of an answer."""
        return cls._message({":message-type": "event", ":event-type": name}, payload)

    @classmethod
    def exception(cls, name: str) -> bytes:
        """An error in mid-stream."""
        return cls._message({":message-type": "exception", ":exception-type": name}, {"message": "scripted"})

    @classmethod
    def malformed(cls) -> bytes:
        """A message that was changed on its way."""
        whole = cls.event("contentBlockDelta", {"delta": {"text": "never"}, "contentBlockIndex": 0})
        return whole.replace(b"never", b"Never")

    @classmethod
    def _message(cls, named: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
        headers = b"".join(map(cls._header, [*named, ":content-type"], [*named.values(), "application/json"]))
        body = orjson.dumps(payload)
        prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
        message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
        return message + struct.pack("!I", crc32(message))

    @staticmethod
    def _header(name: str, value: str) -> bytes:
        text = 7  # the type of a string
        return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", text, len(value)) + value.encode()


class _Answer(Reply):
    """A successful answer, whole or in frames as the path asks for."""

    ending: str
    tail: bytes | None = None
    """What comes in place of a stream's end."""

    def content(self) -> Sequence[Mapping[str, Any]]:
        """The blocks of the message."""
        raise NotImplementedError

    def pieces(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The events of the blocks."""
        raise NotImplementedError

    async def send(self, request: Request, wire: Wire) -> None:
        if request.path.endswith("/converse-stream"):
            await wire.head(200, "application/vnd.amazon.eventstream")
            await wire.send(Frame.event("messageStart", {"role": "assistant"}))
            for name, payload in self.pieces():
                await wire.send(Frame.event(name, {**payload, "contentBlockIndex": 0}))
            await wire.send(self._end() if self.tail is None else self.tail)
            return
        answer = {
            "output": {"message": {"role": "assistant", "content": self.content()}},
            "stopReason": self.ending,
            "usage": USAGE,
            "metrics": {"latencyMs": 1},
        }
        await wire.head(200, "application/json")
        await wire.send(orjson.dumps(answer))

    def _end(self) -> bytes:
        ends: Sequence[tuple[str, Mapping[str, Any]]] = [
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": self.ending}),
            ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
        ]
        return b"".join(Frame.event(name, payload) for name, payload in ends)


@dataclass(frozen=True)
class Converse(_Answer):
    """An answer in words."""

    text: str
    ending: str = "end_turn"
    tail: bytes | None = None

    def content(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": self.text}]

    def pieces(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for piece in re.findall(r"\S+\s*|\s+", self.text):
            yield "contentBlockDelta", {"delta": {"text": piece}}


@dataclass(frozen=True)
class ToolUse(_Answer):
    """One call of a tool."""

    name: str
    arguments: Mapping[str, Any]
    ending: str = "tool_use"

    def content(self) -> Sequence[Mapping[str, Any]]:
        return [{"toolUse": {"toolUseId": "use_0", "name": self.name, "input": self.arguments}}]

    def pieces(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield "contentBlockStart", {"start": {"toolUse": {"toolUseId": "use_0", "name": self.name}}}
        yield "contentBlockDelta", {"delta": {"toolUse": {"input": orjson.dumps(self.arguments).decode()}}}


class ConverseModel:
    """A script that was written for chat completions, spoken as Bedrock speaks; a role by the model's id."""

    def __init__(self, script: Callable[[Request], Reply]) -> None:
        self._script = script

    def __call__(self, request: Request) -> Reply:
        model = unquote(request.path).removeprefix("/model/").rpartition("/")[0]
        role = next((it for it in ("planner", "writer") if model.endswith(it)), "agent")
        system = [{"role": "system", "content": it["text"]} for it in request.body["system"] if "text" in it]
        blocks = [(it["role"], block) for it in request.body["messages"] for block in it["content"]]
        messages = [plain for role, block in blocks for plain in self._plain(role, block)]
        tools = [{"function": it["toolSpec"]} for it in request.body.get("toolConfig", {}).get("tools", ())]
        body = {"model": f"scripted-{role}", "messages": [*system, *messages], "tools": tools}
        answer = self._script(Request(request.path, request.headers, body))
        match answer:
            case Text(text=text):
                return Converse(text)
            case ToolCalls(calls=[(name, arguments)]):
                return ToolUse(name, arguments)
        return answer

    @staticmethod
    def _plain(role: str, block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The messages in a block: its class joins those of a person that follow each other, a line each."""
        if "toolResult" in block:
            yield {"role": "tool", "content": "".join(it["text"] for it in block["toolResult"]["content"])}
        for line in block.get("text", "").splitlines():
            yield {"role": role, "content": line}
