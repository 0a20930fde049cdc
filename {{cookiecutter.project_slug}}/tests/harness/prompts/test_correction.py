"""The second attempt is told what was wrong, in the language of the answer."""

from harness.prompts.correction import LANGUAGE, UNGROUNDED
from harness.prompts.language import LANGUAGES


def test_what_nothing_supports_is_named_in_each_language() -> None:
    told = {UNGROUNDED.render(language, unsupported="99, yen") for language in LANGUAGES}
    assert len(told) == len(LANGUAGES)
    assert all("99, yen" in text for text in told)


def test_the_language_is_named_in_itself() -> None:
    assert "in English" in LANGUAGE.render("en")
    assert "en español" in LANGUAGE.render("es")
