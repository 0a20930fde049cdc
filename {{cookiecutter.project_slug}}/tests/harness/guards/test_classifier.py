"""A classifier over HTTP, as text-embeddings-inference answers; a real socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2
import orjson
import pytest
from pydantic import AnyHttpUrl, SecretStr

from harness.guards.detectors import Classifier, Detectors
from harness.models.factory import LLMFactory
from harness.settings import Settings
from harness.sources.http import ResponseRejected
from tests.support.peers.openai_replies import Body, Hang, Reply, Request
from tests.support.peers.openai_server import OpenAIServer

KEY = "planted-" + "classifier"


class Scores(Body):
    """What the server says of one text."""

    def __init__(self, score: float, label: str = "INJECTION") -> None:
        scores = [{"label": label, "score": score}, {"label": "SAFE", "score": 1 - score}]
        super().__init__(orjson.dumps(scores))


class Peer(OpenAIServer):
    """A classifier that finds the word `attack`, until a test gives it other replies."""

    def __init__(self) -> None:
        self.reply: Reply | None = None
        super().__init__(self._classify)

    def _classify(self, request: Request) -> Reply:
        return self.reply or Scores(0.99 if "attack" in request.body["inputs"] else 0.01)

    @property
    def settings(self) -> Settings:
        return Settings(
            injection_classifier_url=AnyHttpUrl(f"{self.address}/predict"),
            injection_classifier_key=SecretStr(KEY),
            injection_detector_seconds=0.3,
        )


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    with Peer() as server:
        yield server


@pytest.fixture
async def classifier(peer: Peer) -> AsyncIterator[Classifier]:
    classifier = Classifier(peer.settings)
    yield classifier
    await classifier.aclose()


async def test_the_score_of_the_label_decides(peer: Peer, classifier: Classifier) -> None:
    assert await classifier.finds("an attack", "message")
    assert not await classifier.finds("a question", "message")
    assert [it.body["inputs"] for it in peer.requests] == ["an attack", "a question"]
    assert peer.requests[0].path == "/predict"
    assert peer.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("score", "is_attack"), [(0.89, False), (0.9, True), (0.91, True)])
async def test_the_threshold_holds_below_at_and_above(
    peer: Peer, classifier: Classifier, score: float, is_attack: bool
) -> None:
    peer.reply = Scores(score)
    assert await classifier.finds("text", "message") is is_attack


@pytest.mark.parametrize("at", [0, 1490, 2700, 3990])
async def test_a_long_text_is_asked_about_in_parts_and_none_is_left_out(
    peer: Peer, classifier: Classifier, at: int
) -> None:
    assert await classifier.finds("x" * at + "attack" + "x" * (4000 - at), "tool_result")
    assert max(len(it.body["inputs"]) for it in peer.requests) <= Classifier.WINDOW_CHARS


async def test_a_huge_text_is_asked_about_a_few_parts_at_once(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = running = most = 0

    async def score(_: str) -> float:
        nonlocal asked, running, most
        asked, running = asked + 1, running + 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        if asked >= 200:
            raise httpx2.HTTPError("HTTP 429")
        return 0.1

    monkeypatch.setattr(classifier, "_score", score)
    with pytest.raises(httpx2.HTTPError):
        await classifier.finds("x" * 2_000_000, "tool_result")
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*rest, return_exceptions=True)
    assert most == Classifier.AT_ONCE
    assert asked <= 200 + Classifier.AT_ONCE  # none begins after the failure


BAD: Sequence[tuple[Reply, type[Exception]]] = [
    (Body(b"{}", 500), httpx2.HTTPError),
    (Body(b"", 302, headers={"location": "/other"}), httpx2.HTTPError),
    (Body(b"<html>"), ValueError),
    (Body(b'{"label": "INJECTION"}'), ValueError),
    (Scores(0.99, label="LABEL_1"), ValueError),
    (Body(b" " * (Classifier.MAX_BYTES + 1)), ResponseRejected),
]


@pytest.mark.parametrize(("reply", "error"), BAD)
async def test_an_answer_that_says_nothing_is_an_error(
    peer: Peer, classifier: Classifier, reply: Reply, error: type[Exception]
) -> None:
    peer.reply = reply
    with pytest.raises(error):
        await classifier.finds("text", "message")


async def test_one_that_hangs_or_is_away_is_a_failed_detector_of_the_guard(peer: Peer) -> None:
    guard = Detectors.guard(peer.settings, LLMFactory(peer.settings))
    peer.reply = Hang()
    async with asyncio.timeout(30):
        assert await guard.refusal("a question", "message") is None
        assert await guard.refusal("a question", "tool_result") == "classifier"
    await guard.aclose()
