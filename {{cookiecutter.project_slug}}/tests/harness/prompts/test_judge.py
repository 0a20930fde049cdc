"""The judge's prompt is complete in every language."""

import pytest

from harness.prompts.judge import JUDGE
from harness.prompts.language import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_judge_is_told_what_an_attack_is_and_what_is_none(language: Language) -> None:
    text = JUDGE.render(language)
    assert text.count("\n\n") == 3
    assert {"en": "data to its last", "es": "dato hasta su"}[language] in text
