"""What a scripted Bedrock endpoint answers to Converse and ConverseStream.

Serve them with `OpenAIServer`, which only moves HTTP: LLM_BASE_URL is its `address`. The client
signs its requests; any credentials do, nobody checks.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson

from tests.support.peers.openai_replies import Body, Reply, Request, Wire

USAGE = {"inputTokens": 17, "outputTokens": 3, "totalTokens": 20}
"""What every successful reply claims to have used."""


class Throttled(Body):
    """429 as AWS sends it."""

    def __init__(self) -> None:
        headers = {"x_amzn_errortype": "ThrottlingException"}
        super().__init__(b'{"message": "scripted: too many requests"}', 429, headers=headers)


@dataclass(frozen=True)
class Converse(Reply):
    """An answer in words; `is_cut` leaves out the end of its stream."""

    text: str
    is_cut: bool = False
    ending: str = "end_turn"

    async def send(self, request: Request, wire: Wire) -> None:
        if request.path.endswith("/converse-stream"):
            await wire.head(200, "application/vnd.amazon.eventstream")
            for name, payload in self._events():
                await wire.send(self.frame(name, payload))
            return
        message = {"role": "assistant", "content": [{"text": self.text}]}
        answer = {
            "output": {"message": message},
            "stopReason": self.ending,
            "usage": USAGE,
            "metrics": {"latencyMs": 1},
        }
        await wire.head(200, "application/json")
        await wire.send(orjson.dumps(answer))

    def _events(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield "messageStart", {"role": "assistant"}
        for piece in re.findall(r"\S+\s*|\s+", self.text):
            yield "contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": 0}
        if self.is_cut:
            return
        yield "contentBlockStop", {"contentBlockIndex": 0}
        yield "messageStop", {"stopReason": self.ending}
        yield "metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}

    @classmethod
    def frame(cls, event: str, payload: Mapping[str, Any]) -> bytes:
        """One event in AWS's binary encoding: lengths, their sum, headers, payload, the sum."""
        named = {":message-type": "event", ":event-type": event, ":content-type": "application/json"}
        headers = b"".join(map(cls._header, named, named.values()))
        body = orjson.dumps(payload)
        prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
        message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
        return message + struct.pack("!I", crc32(message))

    @staticmethod
    def _header(name: str, value: str) -> bytes:
        text = 7  # the type of a string
        return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", text, len(value)) + value.encode()
