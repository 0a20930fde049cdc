"""The words by which a question finds its agent when rules plan, and the part of it that they stand in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from ..locale.locale import Locale
from ..prompts.language import LANGUAGES, Words
from .asker import Asker


class Keywords:
    """The keywords of one agent, all languages together: `dólares` meets `dólar`, `currencies` `currency`."""

    CUT: Final = re.compile(r"[?!;]+|[.,:](?=\s|$)|\b(?:and|also|plus|then|y|e|además|también|luego)\b", re.IGNORECASE)
    """Where one task may end and the next begin; `3.5` and `1,000` stay whole."""

    FOLLOW_UP: Final = re.compile(r"^\W*(?:and|what about|how about|y|qué tal|que tal)\b", re.IGNORECASE)
    SENTENCE: Final = re.compile(r".+?(?:[?!;.]+(?=\s|$)|$)", re.DOTALL)

    IDIOM: Final = re.compile(
        rf"\b(?:{Locale.pattern(*(map(Words.strip_accents, Locale.load(it).idioms) for it in LANGUAGES))})\b"
    )

    LONG: Final = 6
    """Letters of a keyword that may go on: `deliver` meets `delivered`. Shorter, `hot` would meet `hotel`; a guess."""

    ENDING_CHARS: Final = 3
    """Letters that may follow it: `convert` meets no `conversation`, `current` no `currency`."""

    def __init__(self, keywords: Mapping[Any, Sequence[str]]) -> None:
        """Take keywords by language; one may be several words."""
        phrases = {tuple(Words.tokenize(it)) for words in keywords.values() for it in words}
        self._by_first: dict[str, list[list[frozenset[str]]]] = {}
        for first, *rest in filter(None, phrases):
            phrase = [self._keys(word, shorter=0) for word in (first, *rest)]
            for key in phrase[0]:
                self._by_first.setdefault(key, []).append(phrase)

    def score(self, text: str) -> int:
        """How many different words of `text` are keywords, or begin one."""
        said = self.IDIOM.sub(" ", Words.strip_accents(text))
        words = [self._keys(word, shorter=self.ENDING_CHARS) for word in Words.tokenize(said)]
        found = set()
        for at, keys in enumerate(words):
            for phrase in (it for key in keys for it in self._by_first.get(key, ())):
                here = words[at : at + len(phrase)]
                if len(here) == len(phrase) and not any(map(frozenset.isdisjoint, here, phrase)):
                    found.add(keys)
        return len(found)

    def focus(self, question: str) -> str:
        """The part of `question` that is about the keywords; all of it where none is.

        Sentences before and after it are left out, but for a follow-up, and so is who asks: `I am from Japan. How
        many days ...`, `As a student, ...`
        """
        sentences = [it[0] for it in self.SENTENCE.finditer(question)]
        about = [bool(self.score(it)) for it in sentences]
        if not any(about):
            return self.without_asker(question)
        first = about.index(True)
        rest = zip(sentences[first:], about[first:], strict=True)
        return self.without_asker("".join(it for it, is_about in rest if is_about or self.FOLLOW_UP.match(it)).strip())

    def without_asker(self, question: str) -> str:
        """`question` without who asks it, where the rest has a keyword."""
        return Asker.without(question, self.score)

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
    @lru_cache(maxsize=4096)
    def _keys(cls, word: str, *, shorter: int) -> frozenset[str]:
        """What a word of a text and one of a keyword share when they meet: a form, or a long keyword's beginning."""
        begins = range(max(cls.LONG, len(word) - shorter), len(word) + 1)
        return Words.forms(word) | {f"{word[:size]}..." for size in begins}
