"""Markdown files as passages, found by the words they share with a question."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import PurePath
from typing import Final

from harness import LANGUAGES, LanguageDetector, Locale, Words


@dataclass(frozen=True, slots=True)
class Passage:
    """What stands below one heading of a file."""

    file: str
    heading: str
    text: str


class Passages:
    """The passages of all files, with a small lexical search: no model, nothing to install.

    A word counts more the fewer passages hold it (the idf of BM25, Robertson and Zaragoza 2009).
    Words are compared without accents and endings. For thousands of pages take a search engine.
    """

    HEADING: Final = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
    STEM_CHARS: Final = 5
    """Letters that must agree: `devolver` meets `devolución`; a guess that the examples pass."""
    COMMON: Final = frozenset(
        "many long something anything thing things someone have does hora horas algo puedo tengo tienen puede podria could would should".split()
    ).union(*LanguageDetector.WORDS.values(), *(Locale.load(it).courtesies for it in LANGUAGES))
    """Words that say nothing about the subject."""
    HEADING_WEIGHT: Final = 2
    """A word of the heading counts as so many of the text; a guess."""
    ASIDE: Final = 0.6
    """What a word that stands in no heading of a passage counts for in `min_score`: `price of a motorbike` is
    not answered by whatever mentions a price; a guess that the examples pass."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Cut `files` (name -> Markdown) into passages."""
        self._all = [passage for name, text in files.items() for passage in self._cut(name, text)]
        self._counts = [self._count(passage) for passage in self._all]
        self._seen_in = Counter(stem for counts in self._counts for stem in counts)

    def search(self, question: str, at_most: int, min_score: float) -> Sequence[Passage]:
        """The passages for `question`, the best first; empty when none holds enough of it."""
        wanted = set(self._stems([question]))
        needed = min_score * sum(map(self._weight, wanted))
        scored = []
        for at, counts in enumerate(self._counts):
            shared = wanted & counts.keys()
            aside = shared - set(self._stems([self._all[at].heading]))
            held = sum(self._weight(stem) * (self.ASIDE if stem in aside else 1) for stem in shared)
            if shared and held >= needed:
                scored.append((sum(self._score(stem, counts) for stem in shared), -at))
        return [self._all[-at] for _, at in sorted(scored, reverse=True)[:at_most]]

    def unknown(self, question: str) -> Sequence[str]:
        """The telling words of `question` that no passage holds, as written."""
        words = re.findall(r"[^\W\d_]{3,}", question)
        return [it for it in words if not self._seen_in.keys() & set(self._stems([it])) and set(self._stems([it]))]

    def _score(self, stem: str, counts: Mapping[str, int]) -> float:
        # n / (n + 1): the second mention of a word says less than the first
        return self._weight(stem) * counts[stem] / (counts[stem] + 1)

    def _weight(self, stem: str) -> float:
        return log(1 + (len(self._all) + 1) / (self._seen_in[stem] + 1))

    @classmethod
    def _cut(cls, name: str, text: str) -> Iterator[Passage]:
        """One passage a heading, the file's name for what stands above the first one."""
        parts = [PurePath(name).stem, *cls.HEADING.split(text)]
        for heading, body in zip(parts[::2], parts[1::2], strict=True):
            if body.strip():
                yield Passage(name, heading, " ".join(body.split()))

    @classmethod
    def _count(cls, passage: Passage) -> Counter[str]:
        return Counter(cls._stems([passage.heading] * cls.HEADING_WEIGHT + [passage.text]))

    @classmethod
    def _stems(cls, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            yield from (w[: cls.STEM_CHARS] for w in Words.tokenize(text) if w not in cls.COMMON)
