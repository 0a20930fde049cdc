"""What the embedded default makes of questions in other words: who is asked, what is not answered, who is served alike.

PYTHONPATH='{{cookiecutter.project_slug}}/src' python -m pytest -s tests/guards/test_default.py
"""

import asyncio
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from app.agents import AGENTS
from harness.errors import ClarificationNeeded
from harness.prompts.language import LanguageDetector
from harness.runtime.agent import Agent
from harness.runtime.planner import RulesPlanner
from harness.settings import Settings
from harness.sources.resources import SourceConnections

FOUND: Final = {"tuning": 0.95, "held_out": 0.9}
"""Least part of the paraphrases that reach their agent, and of the others that are not answered or served the same."""

ROOT: Final = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
DATA: Final = tomllib.loads(Path(__file__).with_name("default_questions.toml").read_text(encoding="utf-8"))
UNSEEN_FOUND: Final = {"agent": 0.9, "answer": 0.8, "language": 0.95}
UNSEEN: Final = tomllib.loads(Path(__file__).with_name("default_unseen.toml").read_text(encoding="utf-8"))["groups"]


class Default:
    """The agents on sample data, as rules ask them."""

    NOTHING: Final = ("I found nothing", "No encontré nada", "publishes no rate", "no publica tipos")

    def __init__(self) -> None:
        connections = SourceConnections(Settings(use_fake_data=True))
        agents: Sequence[Agent[Any]] = [it(connections) for it in AGENTS]
        self._agents = {it.name: it for it in agents}
        self._planner = RulesPlanner(agents, 4)
        self._detector = LanguageDetector("en", [it.keywords for it in agents])

    def asked(self, question: str) -> list[str]:
        """The names of the agents that `question` reaches."""
        return [it["agent"] for it in self._plan(question)["tasks"]]

    def answer(self, question: str) -> str | None:
        """What the agents say; None where it is asked back, nothing is found, or nobody is for it."""
        language = self._detector.detect(question)
        answers = []
        for task in self._plan(question)["tasks"]:
            try:
                text, _ = asyncio.run(self._agents[task["agent"]].answer_without_model(task["question"], language))
            except ClarificationNeeded:
                return None
            answers.append(text)
        return None if not answers or any(it in text for it in self.NOTHING for text in answers) else "\n".join(answers)

    def detect(self, question: str) -> str:
        language: str = self._detector.detect(question)
        return language

    def _plan(self, question: str) -> Mapping[str, Any]:
        plan: Mapping[str, Any] = self._planner.plan(question, self._detector.detect(question), [])
        return plan


@pytest.fixture(scope="module")
def default() -> Default:
    here = Path.cwd()
    os.chdir(ROOT)  # the sample documents lie there
    try:
        return Default()
    finally:
        os.chdir(here)


@pytest.fixture(autouse=True)
def in_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def share(name: str, right: Mapping[str, bool]) -> float:
    """The part of the questions that are treated as they should, printed."""
    count = sum(right.values())
    print(f"{name:44}{count:>7} of {len(right):<6}{count / len(right):8.1%}")
    return count / len(right)


@pytest.mark.parametrize("half", FOUND)
def test_paraphrases_reach_their_agent_in_their_language(default: Default, half: str) -> None:
    print()
    for agent, by_language in DATA[half]["paraphrases"].items():
        for language, questions in by_language.items():
            assert len(questions) >= 8
            right = {it: default.asked(it) == [agent] for it in questions}
            assert share(f"{half}: {agent}, {language}", right) >= FOUND[half] - 0.15, right
            told = {it: default.detect(it) == language for it in questions}
            assert share(f"{half}: {agent}, {language}, language told", told) >= FOUND[half] - 0.15, told
    groups = DATA[half]["paraphrases"]
    everything = {it: default.asked(it) == [agent] for agent, by in groups.items() for its in by.values() for it in its}
    assert share(f"{half}: all paraphrases", everything) >= FOUND[half]


@pytest.mark.parametrize("half", FOUND)
def test_a_question_for_nobody_reaches_nobody(default: Default, half: str) -> None:
    print()
    right = {it: not default.asked(it) for it in DATA[half]["nobody"]}
    assert share(f"{half}: for nobody", right) >= FOUND[half], right


@pytest.mark.parametrize("half", FOUND)
def test_what_cannot_be_read_or_found_is_not_answered_with_something_else(default: Default, half: str) -> None:
    print()
    right = {it: default.answer(it) is None for it in DATA[half]["not_answered"]}
    assert share(f"{half}: not answered", right) >= FOUND[half], right


@pytest.mark.parametrize("half", FOUND)
def test_who_asks_changes_no_answer(default: Default, half: str) -> None:
    print()
    answers = [[default.answer(it) for it in pair] for pair in DATA[half]["pairs"]]
    right = {pair[0]: one == other is not None for pair, (one, other) in zip(DATA[half]["pairs"], answers, strict=True)}
    assert share(f"{half}: the same whoever asks", right) >= FOUND[half], right


def test_paraphrases_that_nothing_is_tuned_on(default: Default) -> None:
    print()
    groups = [(each["agent"], each[language][0], each[language][1:]) for each in UNSEEN for language in ("en", "es")]
    asked = {it: default.asked(it) == [agent] for agent, _, others in groups for it in others}
    same = {it: default.answer(it) == default.answer(plain) for _, plain, others in groups for it in others}
    told = {it: default.detect(it) == each for each in ("en", "es") for row in UNSEEN for it in row[each][1:]}
    assert all(default.answer(plain) for _, plain, _ in groups)
    assert share("unseen: reach their agent", asked) >= UNSEEN_FOUND["agent"]
    assert share("unseen: the answer of the plain question", same) >= UNSEEN_FOUND["answer"]
    assert share("unseen: language told", told) >= UNSEEN_FOUND["language"]
