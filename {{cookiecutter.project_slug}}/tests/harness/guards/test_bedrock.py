"""Amazon Bedrock Guardrails, by AWS's own client against a scripted endpoint."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from harness.errors import ConfigurationError
from harness.guards.detectors import BedrockGuardrail, Detectors
from harness.models.factory import LLMFactory
from harness.settings import Settings
from tests.support.peers.bedrock_replies import Throttled
from tests.support.peers.openai_replies import Body, Reply, Request
from tests.support.peers.openai_server import OpenAIServer

SETTINGS = Settings(injection_bedrock_guardrail="abc123:7", injection_detector_seconds=1)


def test_it_is_not_started_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.config", None)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigurationError, match=r"INJECTION_BEDROCK_GUARDRAIL: install .*bedrock"):
        BedrockGuardrail(SETTINGS)


class Assessed(Body):
    """What the guardrail says: the filters that met something."""

    def __init__(self, *filters: Mapping[str, Any]) -> None:
        policies = [{"contentPolicy": {"filters": list(filters)}}, {"wordPolicy": {}}]
        action = "GUARDRAIL_INTERVENED" if filters else "NONE"
        usage = {"topicPolicyUnits": 0, "contentPolicyUnits": 1, "wordPolicyUnits": 0}
        answer = {"action": action, "outputs": [], "assessments": policies, "usage": usage}
        super().__init__(orjson.dumps(answer))


ATTACK = {"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED"}


class Peer(OpenAIServer):
    """Answers with `reply`."""

    def __init__(self) -> None:
        self.reply: Reply = Assessed()
        super().__init__(lambda request: self.reply)

    @property
    def asked(self) -> Request:
        return self.requests[-1]


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    pytest.importorskip("boto3")
    with Peer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.address)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
        yield server


@pytest.mark.parametrize(
    ("reply", "is_attack"),
    [
        (Assessed(ATTACK), True),
        (Assessed(), False),
        (Assessed({**ATTACK, "action": "NONE"}), False),
        (Assessed({**ATTACK, "type": "INSULTS"}), False),
    ],
)
async def test_only_its_filter_for_prompt_attacks_counts(peer: Peer, reply: Reply, is_attack: bool) -> None:
    peer.reply = reply
    detector = BedrockGuardrail(SETTINGS)
    assert await detector.finds("text", "tool_result") is is_attack
    await detector.aclose()
    assert peer.asked.path == "/guardrail/abc123/version/7/apply"
    assert peer.asked.body["source"] == "INPUT"
    assert peer.asked.body["content"] == [{"text": {"text": "text"}}]


async def test_one_that_refuses_to_answer_is_a_failed_detector(peer: Peer) -> None:
    peer.reply = Throttled()
    guard = Detectors.guard(SETTINGS, LLMFactory(SETTINGS))
    assert await guard.refusal("a question", "message") is None
    assert await guard.refusal("a question", "tool_result") == "bedrock"
    await guard.aclose()
