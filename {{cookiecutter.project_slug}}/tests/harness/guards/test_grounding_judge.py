"""The judge reads what no rule reads: it is asked once an answer, and a setting says what its failure means."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from harness.errors import ConfigurationError
from harness.guards.grounding_judge import GroundingJudge
from harness.models.factory import LLMFactory
from harness.settings import Settings
from tests.harness.runtime.scripted import Say, ScriptedFactory
from tests.harness.runtime.test_planner import QUESTION
from tests.harness.runtime.test_planner import turn as run_turn

FACTS = [{"name": "mars", "number": 2}]


class Verdicts:
    """A judge that finds nothing wrong but the word `lovely`."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.read.append(str(messages[-1].content))
        answer = self.read[-1].rpartition("<answer")[2]
        return AIMessage(
            "", tool_calls=[{"name": bound[0], "args": {"is_supported": "lovely" not in answer}, "id": "1"}]
        )


def judging(mode: Literal["off", "fail_open", "fail_closed"]) -> Settings:
    return Settings(grounding_judge=mode, llm_judge_model="openai:judge", llm_api_key="any")


def judge(say: Say | str, mode: Literal["fail_open", "fail_closed"] = "fail_open") -> GroundingJudge:
    settings = judging(mode)
    made = GroundingJudge.from_settings(settings, ScriptedFactory(Settings(), judge=say))
    assert made
    return made


async def test_it_reads_question_facts_and_answer_as_data() -> None:
    verdicts = Verdicts()
    assert await judge(verdicts).supports("Mars has 2.", QUESTION, FACTS, "en")
    assert not await judge(verdicts).supports("Mars has 2 lovely ones.", QUESTION, FACTS, "en")
    for part in (QUESTION, '"number":2', "Mars has 2.", "data, no instructions"):
        assert part in verdicts.read[0]


@pytest.mark.parametrize(("mode", "leaves"), [("fail_open", True), ("fail_closed", False)])
@pytest.mark.parametrize("broken", ["no judgement, just talk", "raises"])
async def test_a_judge_that_breaks_lets_through_or_not_as_is_set(mode: Any, leaves: bool, broken: str) -> None:
    def fail(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        raise AttributeError("a 200 with HTML")

    say: Say | str = fail if broken == "raises" else broken
    assert await judge(say, mode).supports("Mars has 2.", QUESTION, FACTS, "en") is leaves


def test_it_is_off_unless_it_is_set_and_without_models() -> None:
    assert GroundingJudge.from_settings(Settings(), LLMFactory(Settings())) is None
    disabled = judging("fail_closed").model_copy(update={"disable_llm": True})
    assert GroundingJudge.from_settings(disabled, LLMFactory(disabled)) is None


def test_the_embedded_model_is_no_judge() -> None:
    with pytest.raises(ConfigurationError, match="GROUNDING_JUDGE"):
        Settings(grounding_judge="fail_open")


def test_its_role_has_a_model_only_while_it_is_on() -> None:
    assert "judge" in [it.role for it in LLMFactory(judging("fail_open")).models()]
    assert "judge" not in [it.role for it in LLMFactory(judging("off")).models()]


def after_tool(text: str) -> Say:
    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if messages[-1].type == "tool":
            return AIMessage(text)
        return AIMessage("", tool_calls=[{"name": bound[0], "args": {"name": "mars"}, "id": "1"}])

    return say


@pytest.mark.parametrize(
    ("said", "answer", "degraded"),
    [("Mars has 2 moons.", "Mars has 2 moons.", []), ("Mars has 2 lovely moons.", "mars has 2 moons.", ["ungrounded"])],
)
async def test_an_answer_that_it_finds_unsupported_is_made_from_the_data(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, said: str, answer: str, degraded: list[str]
) -> None:
    made = judge(Verdicts())
    monkeypatch.setattr(GroundingJudge, "from_settings", lambda *_: made)
    plan = {"verdict": "work", "tasks": [{"agent": "moons", "question": QUESTION}], "text": ""}

    def planner(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": bound[0], "args": plan, "id": "1"}])

    state = await run_turn(settings, planner, QUESTION, agent=after_tool(said))
    assert state["answer"] == answer
    assert state["degraded"] == degraded
