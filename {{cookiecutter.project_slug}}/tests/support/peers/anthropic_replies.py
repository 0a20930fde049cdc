"""What a scripted Anthropic messages endpoint answers, whole or as a stream.

Serve them with `OpenAIServer`, which only moves HTTP: LLM_BASE_URL is its `address`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tests.support.peers.openai_replies import Body, Failure, Reply, Request, Wire

PATH = "/v1/messages"

USAGE = {"input_tokens": 13, "output_tokens": 5}
"""What every successful reply claims to have used."""


class Overloaded(Body):
    """529, Anthropic's own word for no capacity."""

    def __init__(self) -> None:
        content = {"type": "error", "error": {"type": "overloaded_error", "message": "scripted"}}
        super().__init__(orjson.dumps(content), 529)


@dataclass(frozen=True)
class Message(Reply):
    """An answer in words; `is_cut` leaves out the end of its stream."""

    text: str
    is_cut: bool = False
    ending: str = "end_turn"

    async def send(self, request: Request, wire: Wire) -> None:
        if request.path != PATH:
            await Failure(404, f"nothing at {request.path}").send(request, wire)
            return
        if request.streams:
            await wire.head(200, "text/event-stream")
            for event in self._events(request):
                name = str(event["type"]).encode()
                await wire.send(b"event: " + name + b"\ndata: " + orjson.dumps(event) + b"\n\n")
            return
        content = [{"type": "text", "text": self.text}]
        await wire.head(200, "application/json")
        await wire.send(orjson.dumps(self._message(request, content, self.ending, USAGE)))

    def _events(self, request: Request) -> Iterator[Mapping[str, Any]]:
        started = self._message(request, [], None, {**USAGE, "output_tokens": 1})
        yield {"type": "message_start", "message": started}
        block = {"type": "text", "text": ""}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        for piece in re.findall(r"\S+\s*|\s+", self.text):
            delta = {"type": "text_delta", "text": piece}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
        if self.is_cut:
            return
        yield {"type": "content_block_stop", "index": 0}
        ended = {"stop_reason": self.ending, "stop_sequence": None}
        yield {"type": "message_delta", "delta": ended, "usage": USAGE}
        yield {"type": "message_stop"}

    @staticmethod
    def _message(request: Request, content: Any, stop_reason: str | None, usage: Mapping[str, int]) -> dict[str, Any]:
        return {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": usage,
        }
