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

    ANY: Final = re.compile(r"(?<![^\W_])[^\W\d_a-z][\w'\u2019-]{2,}")
    """Three letters at least, the first one a capital."""

    def unknown_anywhere(self, text: str) -> list[str]:
        """The words of `text` with a capital that the evidence does not have, at its beginning and in capitals too."""
        words = (match[0] for match in self.ANY.finditer(text) if match[0][0].isupper())
        return [it for it in words if it not in Dates.NAMES and not self._has_name(it)]

    def unsupported(self, answer: str) -> list[str]:
        """The capitalised words of `answer` that the evidence does not have, as written.

        Words, not runs of them, so that `Bank of Spain` may become `Banco de España`. None at the
        beginning of a sentence, none in capitals throughout, and none that begins like a known word:
        `Londres` is London, but Mario is Maria too.
        """
        return [
            match[0]
            for match in self.NAME.finditer(answer)
            if match[0] not in Dates.NAMES
            and not self._begins(answer, match.start())
            and match[0] not in self._words_as_written
            and not self._has_name(match[0])
        ]

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
