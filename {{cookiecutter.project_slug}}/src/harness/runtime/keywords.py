"""The words by which a question finds its agent when rules plan, and the part of it that they stand in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..prompts.language import Words


class Keywords:
    """The keywords of one agent, all languages together: `dólares` meets `dólar`, `currencies` `currency`."""

    CUT: Final = re.compile(r"[?!;]+|[.,:](?=\s|$)|\b(?:and|also|plus|then|y|e|además|también|luego)\b", re.IGNORECASE)
    """Where one task may end and the next begin; `3.5` and `1,000` stay whole."""

    FOLLOW_UP: Final = re.compile(r"^\W*(?:and|what about|how about|y|qué tal|que tal)\b", re.IGNORECASE)
    SENTENCE: Final = re.compile(r".+?(?:[?!;.]+(?=\s|$)|$)", re.DOTALL)

    LONG: Final = 6
    """Letters of a keyword that may go on: `deliver` meets `delivered`. Shorter, `hot` would meet `hotel`; a guess."""

    ENDING_CHARS: Final = 3
    """Letters that may follow it: `convert` meets no `conversation`, `current` no `currency`."""

    def __init__(self, keywords: Mapping[Any, Sequence[str]]) -> None:
        """Take keywords by language; one may be several words."""
        phrases = {tuple(Words.tokenize(it)) for words in keywords.values() for it in words}
        self._phrases = [tuple((word, Words.forms(word)) for word in phrase) for phrase in phrases]

    def score(self, text: str) -> int:
        """How many keywords `text` holds."""
        words = [(word, Words.forms(word)) for word in Words.tokenize(text)]
        return sum(self._holds(words, phrase) for phrase in self._phrases)

    def focus(self, question: str) -> str:
        """The part of `question` that is about the keywords; all of it where none is.

        Sentences before and after it are left out, but for a follow-up: `I am from Japan. How many days ...`
        """
        sentences = [it[0] for it in self.SENTENCE.finditer(question)]
        about = [bool(self.score(it)) for it in sentences]
        if not any(about):
            return question
        first = about.index(True)
        rest = zip(sentences[first:], about[first:], strict=True)
        return "".join(it for it, is_about in rest if is_about or self.FOLLOW_UP.match(it)).strip()

    @classmethod
    def clauses(cls, question: str) -> Iterator[tuple[int, int]]:
        """Spans between the cuts; a mark that ends a clause stays with it."""
        begin = 0
        for cut in cls.CUT.finditer(question):
            end = cut.start() if cut[0][0].isalpha() else cut.end()
            if question[begin:end].strip():
                yield begin, end
            begin = cut.end()
        if question[begin:].strip():
            yield begin, len(question)

    @classmethod
    def _holds(cls, words: Sequence[tuple[str, frozenset[str]]], phrase: Sequence[tuple[str, frozenset[str]]]) -> bool:
        size = len(phrase)
        return any(all(map(cls._is_same, words[at : at + size], phrase)) for at in range(len(words) - size + 1))

    @classmethod
    def _is_same(cls, word: tuple[str, frozenset[str]], keyword: tuple[str, frozenset[str]]) -> bool:
        if not word[1].isdisjoint(keyword[1]):
            return True
        more = len(word[0]) - len(keyword[0])
        return len(keyword[0]) >= cls.LONG and more <= cls.ENDING_CHARS and word[0].startswith(keyword[0])
