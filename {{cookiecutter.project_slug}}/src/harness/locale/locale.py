"""The names of months, weekdays, currencies and countries in one language, from its TOML file."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self


class Locale:
    """Reads the file of a language; the template makes it from CLDR."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.months = self._spellings(data["months"])
        """From January on, every spelling of each, its name first."""
        self.weekdays = self._spellings(data["weekdays"])
        """As `date.weekday` counts; every spelling of each, its name first."""
        self.weekdays_short = self._spellings(data["weekdays_short"])
        self.days = self._spellings(data["days"])
        """The days of a month in words, from `first` on."""
        self.many_days: Mapping[str, str] = data["many_days"]
        """Weekdays, such as `56` -> the folded expressions that stand for all of them."""
        self.link: Sequence[str] = data["link"].split()
        """Between a day and its month: `22 de marzo`."""
        self.article: Sequence[str] = data["article"].split()
        self.range: Sequence[str] = data["range"].split()
        """Between two weekdays that stand for those between them too."""
        self.ordinal_signs: Sequence[str] = data["ordinal_signs"].split()
        self.before_month: Sequence[str] = data["before_month"].split()
        """What stands before a month that is named without a day."""
        self.before_amount: Sequence[str] = data["before_amount"].split()
        """What stands before a currency, where no number does."""
        self.currencies = self._words(data["currencies"])
        """Code (ISO 4217) -> itself, its signs, and what its amounts are called."""
        self.names = self._words(data["names"])
        """Key, the same in each language -> folded names, of countries by their ISO code."""
        self.names_nothing = frozenset(data["names_nothing"].split())
        """Folded words that are written with a capital and name nothing that could be invented."""
        self.common_words = frozenset(data["common_words"].split())
        """Folded words that are in most sentences."""
        self.describing_words = frozenset(data["describing_words"].split())
        """Folded words that are in the description of any agent."""

    @classmethod
    @cache
    def load(cls, language: str) -> Self:
        """The words of `language`, such as `en`; read once."""
        file = Path(__file__).with_name(f"{language}.toml")
        return cls(tomllib.loads(file.read_text(encoding="utf-8")))

    @staticmethod
    def pattern(*words: Iterable[str]) -> str:
        """A regular expression for any of `words`, the longest first."""
        each = sorted({word for some in words for word in some}, key=lambda it: (-len(it), it))
        return "|".join(map(re.escape, each))

    @staticmethod
    def numbered(*tables: Iterable[Iterable[str]], start: int = 0) -> dict[str, int]:
        """Every spelling in `tables` -> where it stands, counted from `start`."""
        rows = (row for table in tables for row in enumerate(table, start))
        return {word: number for number, words in rows for word in words}

    @staticmethod
    def inverted(*tables: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
        """Word -> the keys of `tables` that it stands at."""
        keys: dict[str, frozenset[str]] = {}
        for key, words in (row for table in tables for row in table.items()):
            for word in words:
                keys[word] = keys.get(word, frozenset()) | {key}
        return keys

    @staticmethod
    def _spellings(rows: Sequence[str]) -> Sequence[Sequence[str]]:
        return [row.split() for row in rows]

    @staticmethod
    def _words(table: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        return {key: words.split() for key, words in table.items()}
