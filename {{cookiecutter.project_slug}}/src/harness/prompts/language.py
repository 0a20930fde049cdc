"""The languages that the service speaks, and which one a question is in."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal, get_args

from ..locale.locale import Locale

Language = Literal["en", "es"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

Text = Mapping[Language, str]
"""The same text in every language of the service."""


class AccentMarks(dict[int, int | None]):
    """What `str.translate` makes of a character: nothing of an accent; judged once each."""

    MOST: Final = 4096
    """Characters that are remembered; more are no language of ours."""

    def __missing__(self, code: int) -> int | None:
        """The character itself, or None for a mark on another."""
        kept = None if unicodedata.category(chr(code)) == "Mn" else code
        if len(self) < self.MOST:
            self[code] = kept
        return kept


class Words:
    """Text as comparable words, so that `¿Dólar?` meets `dolar`."""

    MARKS: Final = AccentMarks()

    @classmethod
    def strip_accents(cls, text: str) -> str:
        """`text` in lower case without accents."""
        lowered = text.lower()
        if lowered.isascii():
            return lowered
        return unicodedata.normalize("NFD", lowered).translate(cls.MARKS)

    @classmethod
    def tokenize(cls, text: str) -> list[str]:
        """The folded words of `text` in order, digits included, punctuation left out."""
        return re.findall(r"[a-z0-9']+", cls.strip_accents(text))


class LanguageDetector:
    """Tells English from Spanish by their commonest words.

    Two languages and short questions: counting function words was enough for every example
    question of the agents, and needs no model. The Spanish signs decide at once.
    """

    SIGNS: Final = re.compile(r"[¿¡ñ]|\b(?:qué|cuál|cuánto|cuánta|cómo|dónde|está|están)\b")
    WORDS: Final[Mapping[Language, frozenset[str]]] = {
        language: Locale.load(language).common_words for language in LANGUAGES
    }

    def __init__(self, default: Language) -> None:
        """Answer `default` where the text does not tell, such as for `USD/EUR?`."""
        self._default = default

    def detect(self, text: str, spoken: Language | None = None) -> Language:
        """The language of `text`; where it does not tell, the one `spoken` so far in the thread."""
        lowered = text.lower()
        if self.SIGNS.search(lowered):
            return "es"
        words = Words.tokenize(lowered)
        counts = {lang: sum(word in self.WORDS[lang] for word in words) for lang in LANGUAGES}
        if counts["en"] == counts["es"]:
            return spoken or self._default
        return max(LANGUAGES, key=lambda lang: counts[lang])

    CLEAR_WORDS: Final = 4
    """Common words of one language that are no accident, three times as many as of the other."""

    SEGMENT: Final = re.compile(r"[^\n\"“”«»()]+")
    """A line or what stands in quotes or brackets."""

    @classmethod
    def clearly(cls, text: str) -> Language | None:
        """The language that `text` is in without a doubt; None for a short or a mixed one."""
        words = Words.tokenize(text)
        counts = {lang: sum(word in cls.WORDS[lang] for word in words) for lang in LANGUAGES}
        first, second = sorted(LANGUAGES, key=lambda lang: -counts[lang])
        is_clear = counts[first] >= cls.CLEAR_WORDS and counts[first] > 3 * counts[second]
        return first if is_clear else None

    @classmethod
    def without_quotes(cls, text: str, sources: str) -> str:
        """`text` without the lines and quotes that stand in `sources`, folded to one case: a headline."""
        kept = (
            part
            for part in cls.SEGMENT.findall(text)
            if part.strip(" -*•.:,").casefold() not in sources
        )
        return "\n".join(kept)
