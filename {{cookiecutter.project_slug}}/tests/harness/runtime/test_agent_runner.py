"""What leaves an agent with its model: grounded words, and what was wrong with the rest."""

from collections.abc import Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from harness.errors import ModelUnavailable, SourceUnavailable
from harness.runtime.agent import ToolResult
from harness.runtime.agent_runner import AgentRunner
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.harness.runtime.scripted import NO_LEAKS, Say, ScriptedFactory
from tests.support.agents import MoonsAgent

QUESTION = "How many moons have Mars and Saturn?"


class HalfAgent(MoonsAgent):
    """Knows Mars; its source is down for the rest."""

    async def look_up(self, name: str) -> ToolResult:
        """The moons of one planet."""
        if name != "mars":
            raise SourceUnavailable("tables.example", "planted")
        return await super().look_up(name)


def model(settings: Settings, say: Say | str, agent: type[MoonsAgent] = HalfAgent) -> AgentRunner:
    factory = ScriptedFactory(settings, agent=say)
    return AgentRunner(agent(SourceConnections(settings)), settings, factory, NO_LEAKS)


def calls(*names: str, then: str) -> Say:
    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            return AIMessage(then)
        return AIMessage("", tool_calls=[{"name": "look_up", "args": {"name": n}, "id": n} for n in names])

    return say


async def test_a_whole_answer_has_no_reason_to_be_a_lesser_one(settings: Settings) -> None:
    answer = await model(settings, calls("mars", then="Mars has 2.")).answer(QUESTION, "en")
    assert answer.text == "Mars has 2."
    assert [finding.facts["number"] for finding in answer.findings] == [2]
    assert list(answer.degraded) == []


async def test_an_answer_without_one_of_its_sources_says_so(settings: Settings) -> None:
    say = calls("mars", "saturn", then="Mars has 2, Saturn I do not know.")
    answer = await model(settings, say).answer(QUESTION, "en")
    assert answer.text == "Mars has 2, Saturn I do not know."
    assert list(answer.degraded) == ["source_unavailable"]


async def test_without_any_source_there_is_no_answer(settings: Settings) -> None:
    with pytest.raises(SourceUnavailable):
        await model(settings, calls("saturn", then="None.")).answer(QUESTION, "en")


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (calls("mars", then="Mars has 79."), "ungrounded"),
        ("From memory: two.", "ungrounded"),
        (calls("mars", then=" "), "said nothing"),
    ],
)
async def test_words_without_a_finding_behind_them_do_not_leave(
    settings: Settings, say: Say | str, reason: str
) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        await model(settings, say).answer(QUESTION, "en")
    assert refused.value.reason == reason


def test_what_nothing_supports_is_named_up_to_a_bound() -> None:
    told = str(AgentRunner.correction("ungrounded", [f"x{n}." for n in range(99)], "en").content)
    assert "x0., x1.," in told
    assert f"x{AgentRunner.MAX_NAMED - 1}." in told
    assert f"x{AgentRunner.MAX_NAMED}." not in told


def test_another_language_is_asked_for_in_itself() -> None:
    assert "en español" in str(AgentRunner.correction("language", [], "es").content)
