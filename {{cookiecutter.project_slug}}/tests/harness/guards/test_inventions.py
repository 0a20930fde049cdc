"""How often inventions are found, and how seldom good answers are taken for them."""

from typing import Any

import pytest

from app.agents import AGENTS
from harness.guards.leaks import Leaks
from harness.guards.output import OutputGuard, OutputPolicy
from harness.guards.personal_data import PiiRules
from harness.prompts.language import LANGUAGES, Language
from harness.runtime.agent import Agent
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from harness.telemetry.redaction import Redactor
from tests.harness.guards.paraphrases import INVENTED, NUMBERS, TURNS, Turn

OUTGOING = OutputPolicy(Leaks([], Redactor()), PiiRules(Settings().personal_data_out))


def guard(turn: Turn) -> OutputGuard:
    return OutputGuard(
        OUTGOING, turn.question, [turn.facts], said=[turn.source], language=turn.language
    )


@pytest.mark.checklist("ETH-3")
def test_of_good_answers_at_most_two_in_a_hundred_are_taken_for_inventions() -> None:
    refused = [
        (answer, guard(turn).unsupported(answer))
        for turn in TURNS
        for answer in turn.good
        if guard(turn).violation(answer)
    ]
    answers = sum(len(turn.good) for turn in TURNS)
    assert answers >= 60
    assert len(refused) <= answers * 2 // 100, refused


@pytest.mark.checklist("ETH-3")
@pytest.mark.parametrize("kind", ["number", *INVENTED])
def test_of_inventions_at_least_ninety_five_in_a_hundred_are_found(kind: str) -> None:
    planted = [
        (turn, f"{turn.good[0]} {sentence}")
        for turn in TURNS
        for sentence in (NUMBERS if kind == "number" else INVENTED[kind])[turn.language]
    ]
    missed = [text for turn, text in planted if guard(turn).violation(text) != "ungrounded"]
    assert len(planted) >= 40
    assert len(missed) <= len(planted) * 5 // 100, missed


EXAMPLES = [
    pytest.param(agent, language, question, id=f"{agent.name}-{language}-{at}")
    for agent in AGENTS
    for language in LANGUAGES
    for at, question in enumerate(agent.examples[language])
]


@pytest.mark.checklist("ETH-3")
@pytest.mark.parametrize(("agent", "language", "question"), EXAMPLES)
async def test_no_agents_own_words_are_taken_for_an_invention(
    agent: type[Agent[Any]], language: Language, question: str
) -> None:
    built = agent(SourceConnections(Settings(use_fake_data=True)))
    answer, findings = await built.answer_without_model(question, language)
    sources = [source for finding in findings for source in finding.sources]
    of_the_turn = OutputGuard(
        OUTGOING,
        question,
        [finding.facts for finding in findings],
        [source["url"] for source in sources],
        said=[*agent.description.values(), *(source["title"] for source in sources)],
    )
    assert of_the_turn.unsupported(answer) == []
