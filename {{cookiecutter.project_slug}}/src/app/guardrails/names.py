"""Names: capitalised words of an answer that stand nowhere in what the turn was given."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from ..prompts.language import LanguageDetector, Words
from .dates import Dates


class Names:
    """Compares words, not runs of them, so that `Bank of Spain` may become `Banco de España`.

    It sees no name at the beginning of a sentence, where every word has its capital, none in capitals
    throughout, and none that begins like a known word: `Londres` is London, but Mario is Maria too.
    """

    WORD: Final = re.compile(r"(?<![\w@./#])[^\W\d_][\w'\u2019-]*")
    BEGINNING: Final = re.compile(r"(?:\A|[.!?…:;\n|>•=]|[\"“«\u2018¿¡*_]|[-\u2013—]\s)[\s\"“«\u2018¿¡(*_-]*\Z")
    BEGINNING_CHARS: Final = 6
    """How far back a sentence's beginning is looked for: signs and spaces only."""

    SAME_BEGINNING_CHARS: Final = 3
    """Shortest beginning that two spellings of a name share: Tokyo, Tokio. And half of the word."""

    NO_NAMES: Final = frozenset(
        "ok internet celsius fahrenheit kelvin mr mrs ms dr sr sra don dona usted ud uds"
        " am pm utc gmt cet web wi fi english spanish ingles espanol earth tierra".split()
    ).union(map(Words.fold, Dates.MONTHS), Dates.WEEKDAYS, *LanguageDetector.WORDS.values())
    """Folded words that are written with a capital and name nothing that could be invented."""

    SAME: Final = (
        "spain espana spanish espanol espanola",
        "germany alemania german aleman alemana",
        "england inglaterra english ingles inglesa",
        "united unidos unidas unido",
        "states estados state estado",
        "kingdom reino",
        "netherlands bajos paises holanda dutch neerlandes",
        "switzerland suiza swiss suizo suizos",
        "sweden suecia swedish sueco",
        "greece grecia greek griego",
        "ireland irlanda irish irlandes",
        "scotland escocia",
        "wales gales",
        "cyprus chipre",
        "egypt egipto",
        "morocco marruecos",
        "lebanon libano",
        "ukraine ucrania",
        "philippines filipinas philippine filipino",
        "korea corea",
        "cologne colonia",
        "geneva ginebra",
        "brussels bruselas",
        "antwerp amberes",
        "hague haya",
        "warsaw varsovia",
        "beijing pekin",
        "seville sevilla",
        "zaragoza saragossa",
        "havana habana",
        "athens atenas",
        "new nueva nuevo",
        "saint san santa santo",
        "north norte",
        "south sur",
        "east este",
        "west oeste",
        "sea mar",
        "city ciudad",
        "bank banco",
        "european europeo europea europe europa",
        "world mundo mundial",
        "government gobierno",
        "parliament parlamento",
        "pound libra",
        "yen japones",
    )
    """What English and Spanish call the same, where the words begin differently."""

    GROUPS: Final[Mapping[str, int]] = {
        word: number for number, words in enumerate(SAME) for word in words.split()
    }

    def __init__(self, evidence: Iterable[str]) -> None:
        """Know the words of `evidence`, read only when an answer holds a name."""
        self._evidence = evidence

    def unsupported(self, answer: str) -> list[str]:
        """The names of `answer` that the evidence does not have, as written."""
        return [word for word in self._candidates(answer) if not self._is_known(word)]

    @classmethod
    def _candidates(cls, answer: str) -> Iterator[str]:
        for match in cls.WORD.finditer(answer):
            word = match[0]
            if not word[0].isupper() or word.isupper() or len(word) < cls.SAME_BEGINNING_CHARS:
                continue
            start = match.start()
            if not cls.BEGINNING.search(answer, max(0, start - cls.BEGINNING_CHARS), start):
                yield word

    def _is_known(self, word: str) -> bool:
        parts = [part for part in re.split(r"[-'\u2019]", Words.fold(word)) if part not in ("s", "")]
        return all(map(self._has, parts))

    def _has(self, word: str) -> bool:
        if word in self._known or word in self.NO_NAMES or word.removesuffix("s") in self._known:
            return True
        group = self.GROUPS.get(word)
        if group is not None and group in self._groups:
            return True
        shortest = max(self.SAME_BEGINNING_CHARS, (len(word) + 1) // 2)
        return any(it.startswith(word[:shortest]) for it in self._known)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(word for text in self._evidence for word in Words.of(text))

    @cached_property
    def _groups(self) -> frozenset[int]:
        return frozenset(self.GROUPS[word] for word in self._known & self.GROUPS.keys())
