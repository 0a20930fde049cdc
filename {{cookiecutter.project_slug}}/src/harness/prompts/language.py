"""The languages that the service speaks, and which one a text is in."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from ..locale.locale import Locale

LANGUAGES: Final = Locale.languages()
"""Those with a file: the harness's, and the owner's in `src/app/locale`."""

if TYPE_CHECKING:
    Language = str
else:
    Language = Literal[LANGUAGES]  # settings and the API's schema name them

Text = Mapping[Language, str]
"""The same text in every language of the service, or in some of them."""

T = TypeVar("T")


class Translations:
    """Picks, out of what there is by language, what is to be said."""

    @staticmethod
    def pick(texts: Mapping[Language, T], language: Language) -> T:
        """What `texts` have for `language`; where it lacks: for the configured one, else for any."""
        order = (language, Locale.configured, *LANGUAGES, *texts)
        return next(texts[it] for it in order if it in texts)


class Words:
    """Text as comparable words, so that `¿Dólar?` meets `dolar`."""

    strip_accents = Locale.fold

    @classmethod
    def tokenize(cls, text: str) -> list[str]:
        """The folded words of `text` in order, digits included, punctuation left out."""
        return re.findall(r"[\w']+", cls.strip_accents(text).replace("_", " "))

    @staticmethod
    def forms(word: str) -> frozenset[str]:
        """A folded word and what it may be a form of, in English and Spanish: `rates` -> `rate`, `rat`."""
        endings = (("ies", "y"), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
        forms = {word, *(word.removesuffix(old) + new for old, new in endings if word.endswith(old))}
        if re.search(r"[lrndzsxjh]es$", word):  # `dólares`, not `francés`
            forms.add(word[:-2])
        return frozenset(it for it in forms if it == word or len(it) > 2)


class LanguageDetector:
    """Tells the languages that there are data for apart by their commonest words, and from all others.

    Short questions: counting function words was enough for every example question of the agents,
    and needs no model.
    """

    WORDS: Final[Mapping[Language, frozenset[str]]] = {
        language: Locale.load(language).common_words for language in LANGUAGES
    }

    IDLE: Final = {language: Locale.load(language).function_words for language in LANGUAGES}
    """More of them, which decide where the commonest do not."""

    UNKNOWN: Final[Mapping[str, frozenset[str]]] = {
        language: words
        for language, words in Locale.common_words_of_others().items()
        if language not in {it.partition("-")[0] for it in LANGUAGES}
    }
    """The same for languages without data."""

    SIGNS: Final = {sign: language for language in LANGUAGES for sign in Locale.load(language).signs}
    SIGN: Final = re.compile("|".join(rf"\b{it}\b" if it.isalpha() and len(it) > 1 else re.escape(it) for it in SIGNS))
    SIGN_WORDS: Final = 2
    """A sign counts as so many common words; a guess that the examples pass."""

    _LANGUAGES_OF: Final = Locale.inverted(WORDS, UNKNOWN)

    def __init__(self, default: Language, keywords: Sequence[Mapping[Language, Sequence[str]]] = ()) -> None:
        """Answer `default` where the text does not tell, such as for `USD/EUR?`, or is in a language without data.

        `keywords` of agents count where only one language has them: `titulares`, `precio casco`.
        """
        self._default = default
        idle = frozenset().union(*self.IDLE.values())  # of `send me`
        words = {
            language: {word for each in keywords for it in each.get(language, ()) for word in Words.tokenize(it)} - idle
            for language in LANGUAGES
        }
        self._keywords = {word: its for word, its in Locale.inverted(words).items() if len(its) == 1}

    @classmethod
    def is_courtesy(cls, text: str) -> bool:
        """True for a greeting or a thanks that asks for nothing: words of courtesy, and the commonest ones."""
        words = Words.tokenize(text)
        data = [Locale.load(language) for language in LANGUAGES]
        kind = frozenset().union(*(it.courtesies for it in data))
        plain = frozenset().union(kind, *(it.common_words for it in data))
        return "?" not in text and not kind.isdisjoint(words) and plain.issuperset(words)

    def detect(self, text: str, spoken: Language | None = None) -> Language:
        """The language of `text`; where it does not tell, the one `spoken` so far in the thread."""
        counts = Counter(self._counts(text))
        forms = {form for word in Words.tokenize(text) for form in Words.forms(word)}
        counts.update(it for form in forms for it in self._keywords.get(form, ()))
        if self._is_unknown(text, counts):
            return self._default
        most = max(counts[language] for language in LANGUAGES)
        best = [language for language in LANGUAGES if counts[language] == most]
        if len(best) > 1:
            shared = [sum(word in self.IDLE[it] for word in Words.tokenize(text)) for it in best]
            best = [it for it, count in zip(best, shared, strict=True) if count == max(shared)]
        return next(it for it in (spoken, self._default, *best) if it in best)

    CLEAR_WORDS: Final = 4
    """Common words of one language that are no accident, three times as many as of another."""

    SEGMENT: Final = re.compile(r"[^\n\"“”«»()]+")
    """A line or what stands in quotes or brackets."""

    @classmethod
    def clearly(cls, text: str) -> Language | None:
        """The language that `text` is in without a doubt; None for a short, a mixed or an unknown one."""
        words = Words.tokenize(text)
        counts = cls._counts(text, words)
        first = max(LANGUAGES, key=lambda language: counts[language])
        if counts[first] < cls.CLEAR_WORDS or cls._is_unknown(text, counts):
            return None
        words = [it for it in words if it in cls._LANGUAGES_OF]
        for theirs in (cls.WORDS[it] for it in LANGUAGES if it != first):
            own = sum(word not in theirs for word in words if word in cls.WORDS[first])
            if own <= 3 * sum(word not in cls.WORDS[first] for word in words if word in theirs):
                return None
        return first

    @classmethod
    def is_unknown(cls, text: str) -> bool:
        """True where `text` has more common words of a language without data than of any with, or another script."""
        return cls._is_unknown(text, cls._counts(text))

    @classmethod
    def _is_unknown(cls, text: str, counts: Mapping[str, int]) -> bool:
        known = max(counts[language] for language in LANGUAGES)
        if max(counts[language] for language in cls.UNKNOWN) > known:
            return True
        letters = [] if known or text.isascii() else [it for it in text if it.isalpha()]
        return 2 * len(cls.OTHER_SCRIPTS.findall("".join(letters))) > len(letters)

    OTHER_SCRIPTS: Final = re.compile("[^\u0000-\u024f\u1e00-\u1eff]")
    """What is no Latin letter."""

    @classmethod
    def _counts(cls, text: str, words: Sequence[str] | None = None) -> Mapping[str, int]:
        """Language, with data or without -> how many of its common words, and signs, `text` has."""
        known = map(cls._LANGUAGES_OF.get, Words.tokenize(text) if words is None else words)
        counts = Counter(chain.from_iterable(filter(None, known)))
        lowered = text.lower()
        for sign in {*cls.SIGN.findall(lowered)} if any(it in lowered for it in cls.SIGNS) else ():
            counts[cls.SIGNS[sign]] += cls.SIGN_WORDS
        return counts

    @classmethod
    def without_quotes(cls, text: str, sources: str) -> str:
        """`text` without the lines and quotes that stand in `sources`, folded to one case: a headline."""
        parts = cls.SEGMENT.findall(text)
        return "\n".join(it for it in parts if it.strip(" -*•.:,").casefold() not in sources)
