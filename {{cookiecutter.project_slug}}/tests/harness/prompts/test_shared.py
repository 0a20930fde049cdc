"""The shared prompts are complete in every language."""

import pytest

from harness.prompts.language import LANGUAGES, Language
from harness.prompts.prompt import Prompt
from harness.prompts.shared import JUDGE, PLANNER, UNGROUNDED, WRITER, WRONG_LANGUAGE


@pytest.mark.parametrize("prompt", [PLANNER, WRITER, JUDGE], ids=lambda prompt: prompt.name)
def test_a_shared_prompt_speaks_every_language(prompt: Prompt) -> None:
    assert set(prompt.text) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_planner_is_given_agents_bounds_and_history(language: Language) -> None:
    text = PLANNER.render(language, agents="- moons: x", history="User: hi", max_tasks="4")
    assert "- moons: x" in text
    assert "User: hi" in text
    assert " 4 " in text


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("es", "español")])
def test_the_writer_names_the_language_of_the_answer(language: Language, name: str) -> None:
    assert name in WRITER.render(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_judge_reads_what_an_attack_is_and_what_is_none(language: Language) -> None:
    text = JUDGE.render(language)
    assert text.count("\n\n") == 3
    assert {"en": "data to its last", "es": "dato hasta su"}[language] in text


def test_a_second_attempt_names_what_nothing_supports_in_each_language() -> None:
    texts = {UNGROUNDED.render(language, unsupported="99, yen") for language in LANGUAGES}
    assert len(texts) == len(LANGUAGES)
    assert all("99, yen" in text for text in texts)


def test_a_second_attempt_names_the_language_in_itself() -> None:
    assert "in English" in WRONG_LANGUAGE.render("en")
    assert "en español" in WRONG_LANGUAGE.render("es")
