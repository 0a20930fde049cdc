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


class Words:
    """Text as comparable words, so that `¿Dólar?` meets `dolar`."""

    MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
    """The blocks of Unicode that combine with a letter."""

    @classmethod
    def strip_accents(cls, text: str) -> str:
        """`text` in lower case without accents."""
        lowered = text.lower()
        if lowered.isascii():
            return lowered
        return cls.MARKS.sub("", unicodedata.normalize("NFD", lowered))

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
        counts = self._counts(lowered)
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
        counts = cls._counts(text)
        first, second = sorted(LANGUAGES, key=lambda lang: -counts[lang])
        is_clear = counts[first] >= cls.CLEAR_WORDS and counts[first] > 3 * counts[second]
        return first if is_clear else None

    @classmethod
    def _counts(cls, text: str) -> Mapping[Language, int]:
        words = Words.tokenize(text)
        return {lang: sum(word in cls.WORDS[lang] for word in words) for lang in LANGUAGES}

    @classmethod
    def without_quotes(cls, text: str, sources: str) -> str:
        """`text` without the lines and quotes that stand in `sources`, folded to one case: a headline."""
        parts = cls.SEGMENT.findall(text)
        return "\n".join(it for it in parts if it.strip(" -*•.:,").casefold() not in sources)
