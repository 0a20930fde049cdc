"""Names: capitalised words of an answer that stand nowhere in what the turn was given."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Final

from ..prompts.language import LanguageDetector, Words
from .dates import Dates


class ProperNounCheck:
    """Compares words, not runs of them, so that `Bank of Spain` may become `Banco de España`.

    It sees no name at the beginning of a sentence, where every word has its capital, none in capitals
    throughout, and none that begins like a known word: `Londres` is London, but Mario is Maria too.
    """

    WORD: Final = re.compile(
        r"[A-Z\xc0-\xde](?<![\w@./#].)[\w'\u2019-]*[^\W\dA-Z\xc0-\xde_][\w'\u2019-]+"
    )
    """Begins with a capital and is not in capitals throughout."""
    BEGINNING: Final = re.compile(
        r"(?:\A|[.!?…:;\n|>•=]|[\"“«\u2018¿¡*_]|[-\u2013—]\s)[\s\"“«\u2018¿¡(*_-]*\Z"
    )
    BEGINNING_CHARS: Final = 6
    """How far back a sentence's beginning is looked for: signs and spaces only."""

    SAME_BEGINNING_CHARS: Final = 3
    """Shortest beginning that two spellings of a name share: Tokyo, Tokio. And half of the word."""

    SAME_NAME_CHARS: Final = 4
    """Shortest beginning that two names share: Norway, Norwegian."""

    NO_NAMES: Final = frozenset(
        "ok internet celsius fahrenheit kelvin mr mrs ms dr sr sra don dona usted ud uds"
        " am pm utc gmt cet web wi fi english spanish ingles espanol earth tierra".split()
    ).union(*LanguageDetector.WORDS.values())
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

    def __init__(self, evidence: Iterable[str], plain: Collection[str] = ()) -> None:
        """Know the words of `evidence`, read only when an answer holds a name; not one of `plain`."""
        self._evidence = evidence
        self._plain = plain

    def unsupported(self, answer: str) -> list[str]:
        """The names of `answer` that the evidence does not have, as written."""
        return [
            match[0]
            for match in self.WORD.finditer(answer)
            if match[0] not in self._plain
            and match[0] not in Dates.NAMES
            and not self._begins(answer, match.start())
            and not self._is_known(match[0])
        ]

    @classmethod
    def _begins(cls, answer: str, at: int) -> bool:
        """True for the first word of a sentence, which has its capital in any case."""
        return cls.BEGINNING.search(answer, max(0, at - cls.BEGINNING_CHARS), at) is not None

    def _is_known(self, word: str) -> bool:
        parts = [
            part
            for part in re.split(r"[-'\u2019]", Words.strip_accents(word))
            if part not in ("s", "")
        ]
        return all(map(self._has, parts))

    def _has(self, word: str) -> bool:
        if word in self._known or word in self.NO_NAMES or word.removesuffix("s") in self._known:
            return True
        group = self.GROUPS.get(word)
        if group is not None and group in self._groups:
            return True
        short, long = (
            word[: self.SAME_NAME_CHARS],
            word[: max(self.SAME_BEGINNING_CHARS, (len(word) + 1) // 2)],
        )
        return any(it.startswith(long) for it in self._known) or any(
            len(short) == self.SAME_NAME_CHARS and it.startswith(short) for it in self._named
        )

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(word for text in self._texts for word in Words.tokenize(text))

    @cached_property
    def _named(self) -> frozenset[str]:
        capitals = (word for text in self._texts for word in self.WORD.findall(text))
        return frozenset(map(Words.strip_accents, capitals))

    @cached_property
    def _texts(self) -> list[str]:
        return list(self._evidence)

    @cached_property
    def _groups(self) -> frozenset[int]:
        return frozenset(self.GROUPS[word] for word in self._known & self.GROUPS.keys())
