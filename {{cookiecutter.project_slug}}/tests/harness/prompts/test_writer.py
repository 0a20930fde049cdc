"""The writer's prompt is complete in every language."""

import pytest

from harness.prompts.language import LANGUAGES, Language
from harness.prompts.writer import WRITER


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("es", "español")])
def test_the_writer_is_told_the_language_of_the_answer(language: Language, name: str) -> None:
    assert name in WRITER.render(language)
    assert set(WRITER.text) == set(LANGUAGES)
