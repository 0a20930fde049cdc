"""Illegal answers are refused by both engines in the same sentence, and nothing stays on the disk."""

import re
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from tests.template import Template
from tools.questions import Questions

ILLEGAL = {
    "project_name": ["", " ", " Desk", "Desk ", "two\nlines", "a\tb", "x" * 61, "next\u2028line", "a {{ b"],
    "project_slug": [
        "Bad Slug",
        "9lives",
        "a--b",
        "-a",
        "a-",
        "año",
        "a_b",
        "a.b",
        "x" * 61,
        "con",
        "pip",
        "langgraph",
    ],
    "description": ["", "two\nlines", "x" * 401, "100 {% sure"],
    "author_name": ["", "A\nB", "x" * 61],
    "author_email": [
        "ana",
        "ana@",
        "@example.com",
        "ana@example",
        "a b@example.com",
        'a"b@example.com',
        "a\\b@example.com",
    ],
    "repository_url": [
        "http://git.example.com/team/desk",
        "git@git.example.com:team/desk.git",
        "https://example.com",
        "https://user:word@git.example.com/team/desk",
        "https://git.example.com/team/desk?x=1",
        'https://git.example.com/"desk"',
    ],
}
# Its default is made from the slug, so it would be refused beside an illegal slug.
LEGAL_ADDRESS = "https://git.example.com/team/desk"
# cookiecutter renders what is given on its command line, so it cannot be handed these; copier does not.
RENDERED_BY_COOKIECUTTER = re.compile(r"\{[{%]")
CASES = [(question, given) for question, texts in ILLEGAL.items() for given in texts]


def sentence(question: str, given: str) -> str:
    rule = Questions.read().rules[question]
    return f"{question} cannot be {given!r}: it must be {rule['allowed']}, for example {rule['example']}."


def test_every_text_question_has_illegal_answers_to_try() -> None:
    questions = Questions.read()
    assert set(ILLEGAL) == set(questions.rules) == {k for k, v in questions.defaults.items() if isinstance(v, str)}


@pytest.mark.parametrize(("question", "given"), CASES)
def test_copier_says_what_was_given_what_is_allowed_and_an_example(
    questions_only: Template, tmp_path: Path, question: str, given: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence(question, given))):
        questions_only.with_copier(tmp_path / "made", {question: given})
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("question", "given"), [case for case in CASES if not RENDERED_BY_COOKIECUTTER.search(case[1])]
)
def test_cookiecutter_says_the_same_sentence(
    questions_only: Template, tmp_path: Path, question: str, given: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FailedHookException):
        questions_only.with_cookiecutter(tmp_path / "made", {"repository_url": LEGAL_ADDRESS, question: given})
    assert capfd.readouterr().err.splitlines() == [sentence(question, given)]
    assert list((tmp_path / "made").iterdir()) == []


def test_every_illegal_answer_is_named_at_once(
    questions_only: Template, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = {"author_email": "ana", "project_slug": "A", "repository_url": LEGAL_ADDRESS}
    with pytest.raises(FailedHookException):
        questions_only.with_cookiecutter(tmp_path / "made", answers)
    assert capfd.readouterr().err.splitlines() == [sentence("author_email", "ana"), sentence("project_slug", "A")]


@pytest.mark.parametrize(
    "question", [key for key, value in Questions.read().defaults.items() if isinstance(value, list)]
)
def test_a_choice_outside_the_list_is_refused_by_name_with_the_list(
    questions_only: Template, tmp_path: Path, engine: str, question: str
) -> None:
    """The engines check choices before any rule of ours can run, each in its own words."""
    with pytest.raises(ValueError, match=question) as refusal:
        questions_only.with_engine(engine, tmp_path / "made", {question: "GPL-2.0"})
    allowed = Questions.read().defaults[question]
    assert all(text in str(refusal.value) for text in ("GPL-2.0", *allowed))
    assert list(tmp_path.glob("made/*")) == []


def test_a_switch_that_is_neither_true_nor_false_is_refused(
    questions_only: Template, tmp_path: Path, engine: str
) -> None:
    with pytest.raises(ValueError, match="maybe"):
        questions_only.with_engine(engine, tmp_path / "made", {"example_agents": "maybe"})
    assert list(tmp_path.glob("made/*")) == []
