"""The words of each language are complete, and say the same things."""

import pytest

from harness.locale.locale import Locale
from harness.prompts.language import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_and_a_week_are_whole(language: str) -> None:
    locale = Locale.load(language)
    assert [len(locale.months), len(locale.weekdays), len(locale.weekdays_short)] == [12, 7, 7]
    assert len(locale.days) >= 30
    assert all(names for names in (*locale.months, *locale.weekdays, *locale.days))


def test_the_names_of_one_thing_have_the_same_key_in_each_language() -> None:
    english, spanish = map(Locale.load, LANGUAGES)
    assert english.names.keys() == spanish.names.keys()
    assert "germany" in english.names["DE"]
    assert "alemania" in spanish.names["DE"]


def test_a_common_word_is_no_currency() -> None:
    for language in LANGUAGES:
        words = {word for it in Locale.load(language).currencies.values() for word in it}
        assert {"EUR", "euro", "€"} <= words
        assert words.isdisjoint({"won", "sol", "real", "may"})


def test_longer_words_come_first_in_a_pattern() -> None:
    assert Locale.pattern(["a", "ab"], ["$", "a"]) == r"ab|\$|a"


def test_spellings_are_numbered_over_languages() -> None:
    numbered = Locale.numbered([["May"], ["June"]], [["mayo", "Mayo"]], start=5)
    assert numbered == {"May": 5, "June": 6, "mayo": 5, "Mayo": 5}


def test_an_inverted_table_keeps_every_key_of_a_word() -> None:
    inverted = Locale.inverted({"USD": ["dollar"]}, {"CAD": ["dollar", "CA$"]})
    assert inverted == {"dollar": {"USD", "CAD"}, "CA$": {"CAD"}}
