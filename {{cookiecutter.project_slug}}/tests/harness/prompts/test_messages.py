"""Every sentence that the service says itself exists in every language."""

import pytest

from harness.prompts.language import LANGUAGES
from harness.prompts.messages import LocalizedMessage, Messages

ALL = {name: value for name, value in vars(Messages).items() if isinstance(value, LocalizedMessage)}


@pytest.mark.parametrize("name", ALL)
def test_a_phrase_is_said_in_every_language(name: str) -> None:
    values = {"agents": "- x", "given": 5, "max": 4, "question": "q", "minutes": 3}
    values |= {"kinds": "k", "call": "c"}
    texts = {ALL[name].format(language, **values) for language in LANGUAGES}
    assert len(texts) == len(LANGUAGES)
    assert all("$" not in text for text in texts)


def test_descriptions_are_listed_one_a_line() -> None:
    assert Messages.bullets([{"en": "One.", "es": "Uno."}], "es") == "- Uno."
