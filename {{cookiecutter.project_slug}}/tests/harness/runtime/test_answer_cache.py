"""A cached answer is given for the same question to the same callers, and not for ever."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.prompts.language import Language
from harness.run_context import RunContext
from harness.runtime.agent import Source, ToolResult
from harness.runtime.agent_node import AgentNode, AnswerCache, CacheKey
from harness.runtime.state import Task, TaskResult, TaskResults
from harness.storage.thread_ref import PUBLIC, ThreadRef

ASKED = CacheKey("public", "en", "moons", "1", "How many moons has Mars?")
ANSWER = TaskResults.answered(
    Task(agent="moons", question=ASKED.question),
    "It has 2.",
    [ToolResult({"number": 2}, [Source(title="Table", url="u")])],
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def kept(clock: Clock, max_entries: int = 9, ttl_seconds: float = 60) -> AnswerCache:
    answers = AnswerCache(max_entries, ttl_seconds, clock)
    answers.put(ASKED, ANSWER)
    return answers


@pytest.mark.parametrize(
    "question", ["How many moons has Mars?", "  how MANY\tmoons\nhas mars  ", "¿how many moons has mars!?"]
)
def test_case_space_and_outer_marks_make_no_difference(question: str) -> None:
    found = kept(Clock()).get(replace(ASKED, question=question))
    assert found == (ANSWER, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"scope": "someone"},
        {"language": "es"},
        {"agent": "heights"},
        {"prompt_version": "2"},
        {"question": "How many moons has Saturn?"},
        {"question": "How many moons has Más?"},
        {"question": "1.5"},
        {"question": "火星有几个卫星"},
    ],
)
def test_anything_else_is_another_question(other: dict[str, str]) -> None:
    answers = kept(Clock())
    assert answers.get(replace(ASKED, **other)) is None


def test_marks_inside_a_question_make_a_difference() -> None:
    assert CacheKey("", "", "", "", "1.5") != CacheKey("", "", "", "", "15")
    assert CacheKey("", "", "", "", "año") != CacheKey("", "", "", "", "ano")


@pytest.mark.parametrize(("later", "is_found"), [(59, True), (60, False), (61, False)])
def test_an_answer_is_told_with_its_age_until_its_time_is_over(later: int, is_found: bool) -> None:
    clock = Clock()
    answers = kept(clock)
    clock.now += later
    assert answers.get(ASKED) == ((ANSWER, later) if is_found else None)


def test_with_no_time_to_live_nothing_is_found() -> None:
    assert kept(Clock(), ttl_seconds=0).get(ASKED) is None


def test_the_newer_answer_takes_the_place_of_the_older() -> None:
    clock = Clock()
    answers = kept(clock)
    clock.now += 5
    newer = TaskResult(**{**ANSWER, "text": "Two."})
    answers.put(ASKED, newer)
    assert answers.get(ASKED) == (newer, 0)


def test_the_least_asked_for_leaves_when_it_is_full() -> None:
    answers = kept(Clock(), max_entries=2)
    second, third = replace(ASKED, agent="second"), replace(ASKED, agent="third")
    answers.put(second, ANSWER)
    answers.get(ASKED)  # so that `second` is now the one not asked for longest
    answers.put(third, ANSWER)
    assert answers.get(second) is None
    assert answers.get(ASKED) == answers.get(third) == (ANSWER, 0)


@pytest.mark.parametrize(
    ("language", "version", "question", "is_found"),
    [
        ("en", "1", "How many?", True),
        ("es", "1", "How many?", False),
        ("en", "2", "How many?", False),
        ("en", "1", "How high?", False),
    ],
)
def test_the_node_caches_under_language_prompt_version_and_question(
    language: Language, version: str, question: str, is_found: bool
) -> None:
    def key(language: Language, version: str, question: str) -> CacheKey | None:
        node = AgentNode.__new__(AgentNode)
        node._agents = {"moons": SimpleNamespace(prompt=SimpleNamespace(version=version))}  # type: ignore[dict-item]
        with RunContext.scope(thread=ThreadRef("t1", PUBLIC)):
            return node._cache_key(Task(agent="moons", question=question), language, ())

    assert (key("en", "1", "How many?") == key(language, version, question)) == is_found
