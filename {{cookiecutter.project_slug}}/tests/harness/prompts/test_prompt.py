"""Prompts have a name, a version and every language."""

import pytest

from harness.prompts.language import LANGUAGES
from harness.prompts.planner import PLANNER
from harness.prompts.prompt import Prompt
from harness.prompts.writer import WRITER

GREETING = Prompt(name="greeting", version="3", text={"en": "Hello $who", "es": "Hola $who"})


def test_a_prompt_is_rendered_in_the_language_asked_for() -> None:
    assert GREETING.render("es", who="Ana") == "Hola Ana"


def test_a_forgotten_value_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(KeyError, match="who"):
        GREETING.render("en")


def test_a_prompt_tells_logs_its_name_and_version() -> None:
    assert GREETING.metadata == {"prompt": "greeting", "prompt_version": "3"}


@pytest.mark.parametrize("prompt", [PLANNER, WRITER], ids=lambda prompt: prompt.name)
def test_a_shared_prompt_speaks_every_language(prompt: Prompt) -> None:
    assert set(prompt.text) == set(LANGUAGES)
