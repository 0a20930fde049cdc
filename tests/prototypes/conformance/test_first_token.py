"""The first word leaves while the answer is written, not when it is whole."""

import asyncio
import time
from typing import ClassVar

import pytest

from tests.prototypes.conftest import Served
from tests.prototypes.scripts import Case
from tests.support.peers.openai_replies import USAGE, Reply, Request, Text, Wire

SENTENCES = 6
WORDS = 8
TOKENS_PER_SECOND = 20
SENTENCE_SECONDS = WORDS / TOKENS_PER_SECOND
ALLOWED_SECONDS = SENTENCE_SECONDS + 0.3
BUSY = 2
"""How many times that on a busy machine; the whole answer takes more than three times as long."""
ANSWER = " ".join(["This sentence says nothing but words at all."] * SENTENCES)


class Typed(Text):
    """Words, as fast as a model writes them."""

    first: ClassVar[float]
    """When the first one was sent."""

    async def _stream(self, request: Request, wire: Wire) -> None:
        await wire.head(200, "text/event-stream")
        Typed.first = time.monotonic()
        for delta in [{"role": "assistant", "content": ""}, *self.deltas()]:
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            await wire.event(self._envelope(request, "chat.completion.chunk", [choice], None))
            await asyncio.sleep(1 / TOKENS_PER_SECOND)
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await wire.event(self._envelope(request, "chat.completion.chunk", [end], USAGE))
        await wire.send(b"data: [DONE]\n\n")


async def test_the_first_sentence_leaves_before_the_second_one_is_written(served: Served, case: Case) -> None:
    if not case.writer:
        pytest.skip("no model writes its answer")
    play = case.roles[case.writer]

    def typing(request: Request) -> Reply:
        reply = play(request)
        return Typed(ANSWER) if isinstance(reply, Text) else reply

    await served.start()
    await served.ask(case.question, "t2")
    served.model.roles[case.writer] = typing
    events = await served.stream(case.question)
    arrived = [when for name, _, when in events if name == "token"]
    whole = events[-1][2] - Typed.first
    first = arrived[0] - Typed.first
    print(f"{first:.2f} s after the model's first token, the whole after {whole:.2f} s")
    assert events[-1][1]["answer"] == ANSWER
    assert not [name for name, _, _ in events if name == "withdrawn"]
    assert len(arrived) >= SENTENCES - 1
    assert whole > SENTENCES * SENTENCE_SECONDS * 0.9
    assert first < BUSY * ALLOWED_SECONDS
