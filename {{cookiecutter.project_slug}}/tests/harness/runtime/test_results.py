"""The results of a run are one answer, in the order in which its parts were asked for."""

from typing import Any, cast

import pytest

from harness.locale.locale import Locale
from harness.prompts.language import Language
from harness.prompts.messages import Messages
from harness.runtime.agent import ToolResult
from harness.runtime.state import State, Task, TaskResults

MOON = Task(agent="moons", question="How many moons has Mars?")
TIDE = Task(agent="tides", question="When is high tide?")


def results(*outcomes: Any) -> TaskResults:
    return TaskResults(cast(State, {"plan": {"tasks": [MOON, TIDE]}, "outcomes": [*outcomes]}))


def test_answers_stand_in_the_order_of_their_questions() -> None:
    tide = TaskResults.answered(TIDE, "At 18:04.", [ToolResult({"time": "18:04"})])
    moon = TaskResults.answered(MOON, "Mars has 2.", [ToolResult({"moons": 2})])
    assert results(tide, moon).text == "Mars has 2.\n\nAt 18:04."
    assert moon["facts"] == [{"moons": 2}]
    assert not results(tide, moon).has_pending_call


def test_a_call_that_waits_is_seen() -> None:
    waiting = TaskResults.unanswered(TIDE, "It waits.", "waiting") | {"call": {"id": "1"}}
    assert results(waiting).has_pending_call


@pytest.mark.parametrize("language", Locale.SHIPPED)
def test_a_part_that_is_missing_names_its_question(language: Language) -> None:
    missing = TaskResults.missing(MOON, Messages.MISSING, language)
    assert missing["status"] == "missing"
    assert MOON["question"] in missing["text"]
