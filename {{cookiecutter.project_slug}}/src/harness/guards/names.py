"""Names of an answer that the facts of its turn do not have."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import Words
from .dates import Dates


class ProperNouns:
    """Compares the capitalised words of a text with those of the evidence, which is read when one is met."""

    NAME: Final = re.compile(r"[A-Z\xc0-\xde](?<![\w@./#].)[\w'\u2019-]*[^\W\dA-Z\xc0-\xde_][\w'\u2019-]+")
    """Begins with a capital and is not in capitals throughout."""
    BEGINNING: Final = re.compile(r"(?:\A|[.!?…:;\n|>•=]|[\"“«\u2018¿¡*_]|[-\u2013—]\s)[\s\"“«\u2018¿¡(*_-]*\Z")
    """Of a sentence, where every word has its capital."""
    BEGINNING_CHARS: Final = 6
    """How far back that is looked for: signs and spaces only."""
    SAME_BEGINNING_CHARS: Final = 3
    """Shortest beginning that two spellings of a name share: Tokyo, Tokio. And half of the word."""
    SAME_NAME_CHARS: Final = 4
    """Shortest beginning that two names share: Norway, Norwegian."""

    NO_NAMES: Final = frozenset().union(*(it.names_nothing | it.common_words for it in Dates.LOCALES))
    NAMES: Final = Locale.inverted(*(it.names for it in Dates.LOCALES))
    """Names that begin differently in each language -> the keys of what they mean."""

    def __init__(self, texts: Callable[[], Sequence[str]], said: Callable[[], Sequence[str]]) -> None:
        self._read_texts = texts
        self._read_said = said

    CAPITALS: Final = re.compile(r"(?<![^\W_])[A-Z\xc0-\xde]{4,}(?![^\W_])")
    """A name in capitals, or an abbreviation."""
    PLACES: Final = frozenset().union(*(it.places for it in Dates.LOCALES))
    NEXT: Final = re.compile(r"\s([^\W\d_]+)")
    SPEAKING: Final = frozenset(Locale.beside_figures("speaking"))
    """What people and organisations do, and things do not."""
    SPEAKERS: Final = frozenset(map(Locale.fold, Locale.beside_figures("speakers")))
    """Words that do it too, and are no names."""
    ANY: Final = re.compile(r"(?<![^\W_])[^\W\d_a-z][\w'\u2019-]{2,}")
    """Three letters at least, the first one a capital."""

    def unknown_anywhere(self, text: str) -> list[str]:
        """The words of `text` with a capital that the evidence does not have, at its beginning and in capitals too."""
        words = (match[0] for match in self.ANY.finditer(text) if match[0][0].isupper())
        return [it for it in words if it not in Dates.NAMES and not self._has_name(it)]

    def unsupported(self, answer: str) -> list[str]:
        """The capitalised words of `answer` that the evidence does not have, as written.

        Words, not runs of them, so that `Bank of Spain` may become `Banco de España`. At the beginning of a
        sentence and in capitals throughout only those that are sure to be names, and none that begins like a
        known word: `Londres` is London, but Mario is Maria too.
        """
        return [
            match[0]
            for match in self.NAME.finditer(answer)
            if match[0] not in Dates.NAMES
            and (not self._begins(answer, match.start()) or self._is_told(answer, match))
            and match[0] not in self._words_as_written
            and not self._has_name(match[0])
        ] + [
            it
            for it in self.CAPITALS.findall(answer)
            if Words.strip_accents(it) in self.PLACES and not self._has_name(it)
        ]

    @classmethod
    def _is_told(cls, answer: str, match: re.Match[str]) -> bool:
        """True for the first word of a sentence that can be nothing but a name: a known place, or what says or wins something."""
        word = Words.strip_accents(match[0].removesuffix("'s").removesuffix("\u2019s"))
        after = cls.NEXT.match(answer, match.end())
        return word in cls.PLACES or bool(
            after and after[1] in cls.SPEAKING and word not in cls.SPEAKERS and word[-1] != "s"
        )

    @classmethod
    def _begins(cls, answer: str, at: int) -> bool:
        return cls.BEGINNING.search(answer, max(0, at - cls.BEGINNING_CHARS), at) is not None

    def _has_name(self, name: str) -> bool:
        parts = re.split(r"[-'\u2019]", Words.strip_accents(name))
        return all(self._has_word(part) for part in parts if part not in ("s", ""))

    def _has_word(self, word: str) -> bool:
        if word in self.NO_NAMES or word in self._words or word.removesuffix("s") in self._words:
            return True
        if not self._meanings.isdisjoint(self.NAMES.get(word, ())):
            return True
        start = word[: max(self.SAME_BEGINNING_CHARS, (len(word) + 1) // 2)]
        if any(it.startswith(start) for it in self._words):
            return True
        start = word[: self.SAME_NAME_CHARS]
        return len(start) == self.SAME_NAME_CHARS and any(it.startswith(start) for it in self._names)

    @cached_property
    def _texts(self) -> Sequence[str]:
        return self._read_texts()

    @cached_property
    def _all(self) -> Sequence[str]:
        return (*self._texts, *self._read_said())

    @cached_property
    def _words_as_written(self) -> frozenset[str]:
        return frozenset(Dates.WORD.findall(" ".join(self._texts)))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for text in self._all for word in Words.tokenize(text))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(Words.strip_accents(it) for text in self._all for it in self.NAME.findall(text))

    @cached_property
    def _meanings(self) -> frozenset[str]:
        return frozenset().union(*(self.NAMES[it] for it in self._words & self.NAMES.keys()))
