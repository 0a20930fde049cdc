"""Claims in words that say the contrary of the evidence: a negation, a side of two opposites turned round."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from ..locale.locale import Locale
from ..prompts.language import Words
from .dates import Dates
from .evidence import Leaf
from .reading import NO_SIDES, Reading, Side, Sides


class Claim(NamedTuple):
    """A sentence, as far as rules read it."""

    stems: frozenset[str]
    """The beginnings of its telling words."""
    is_negated: bool
    sides: frozenset[Side]
    is_reserved: bool = False
    """It says two things at once (`unless`, `only`), and is compared with nothing."""
    is_own: bool = False
    """Of who speaks (`I found no headlines`), and of no fact that is called `found`."""


class Claims:
    """Compares sentences that say nearly the same in nearly the same words; of others it knows nothing."""

    NEGATIONS: Final = frozenset().union(*(it.negations for it in Dates.LOCALES))
    RESERVATIONS: Final = frozenset().union(*(it.reservations for it in Dates.LOCALES))
    OWN: Final = frozenset(Locale.beside_figures("own"))
    COMMON: Final = frozenset().union(*(it.common_words for it in Dates.LOCALES))
    STEM_CHARS: Final = 5
    """Of a word that is compared: `return` and `returned`. A guess."""
    SHORT_CHARS: Final = 2
    """Of a word that tells nothing: `be`, `se`."""
    LEAST: Final = 2
    """Telling words that two sentences about the same thing share, at least."""
    ALIKE: Final = 0.75
    """Of the telling words of the answer's sentence that are in the other. A guess."""
    MOST: Final = 2000
    """Sentences of the evidence that are compared; reading as many takes 20 ms. A guess."""
    CLAUSE: Final = re.compile(r"[,;:()\n]|[.!?](?=\s|\Z)")
    INTERJECTION: Final = re.compile(r"\A\W*no\W*,\s", re.IGNORECASE)
    """`No, dogs are not allowed` has one negation."""

    ASSERTS: Final = re.compile(
        rf"(?<!\w)(?:{Locale.pattern(Locale.beside_figures('asserts'))})(?!\w)"
        rf"|,\s*¿?(?:{Locale.pattern(Locale.beside_figures('asserts_after'))})\?",
        re.IGNORECASE,
    )
    """What makes a statement of a question: `Did you know that`, `, right?`."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self._leaves = leaves

    @classmethod
    def asks(cls, sentence: str) -> bool:
        """True for a question that states nothing by its form."""
        return sentence.endswith("?") and not cls.ASSERTS.search(sentence)

    def contradicted(self, answer: str) -> list[str]:
        """The sentences of `answer` whose contrary stands in the evidence, as written."""
        if not (self._claims or self._flags):
            return []
        folded = Words.strip_accents(answer)
        found: list[str] = []
        if any(sum(stem in folded for stem in it.stems) >= self.LEAST for it in self._claims):
            found += (it for it in self._parts(Reading.END, answer) if self._is_contrary(self._read(it)))
        if any(all(stem in folded for stem in it.stems) for it in self._flags):
            found += (it for it in self._parts(self.CLAUSE, answer) if self._is_denied(self._read(it)))
        return found

    @staticmethod
    def _parts(mark: re.Pattern[str], text: str) -> Iterator[str]:
        """`text` in parts; without questions, which claim nothing."""
        start = 0
        for match in mark.finditer(text):
            if match[0] != "?":
                yield text[start : match.start()].strip()
            start = match.end()
        yield text[start:].strip()

    @classmethod
    def _read(cls, sentence: str) -> Claim:
        return cls._of(Words.tokenize(cls.INTERJECTION.sub("", sentence)))

    @classmethod
    def _of(cls, words: Iterable[str]) -> Claim:
        words = [*words]
        negations = cls.NEGATIONS.intersection(words)
        telling = (it for it in words if len(it) > cls.SHORT_CHARS and it not in cls.COMMON and it.isalpha())
        stems = frozenset(it[: cls.STEM_CHARS] for it in telling if it not in negations and it not in Sides.OF)
        is_reserved = not cls.RESERVATIONS.isdisjoint(words) or len(negations) > 1
        return Claim(stems, bool(negations), Sides.of(words), is_reserved, not cls.OWN.isdisjoint(words))

    @cached_property
    def _claims(self) -> Sequence[Claim]:
        """What the texts of the evidence say, sentence by sentence."""
        texts = (it.value for it in self._leaves if type(it.value) is str and it.value.count(" ") >= self.LEAST)
        claims = (self._read(part) for text in texts for part in self._parts(Reading.END, text))
        return [it for it in islice(claims, self.MOST) if len(it.stems) >= self.LEAST]

    @cached_property
    def _flags(self) -> Sequence[Claim]:
        """What facts say by true and false, where they all say the same."""
        values: dict[str, set[bool]] = {}
        for leaf in self._leaves:
            if type(leaf.value) is bool:
                values.setdefault(leaf.key, set()).add(leaf.value)
        claims = ((self._of(Words.tokenize(key)), both) for key, both in values.items() if len(both) == 1)
        return [it._replace(is_negated=it.is_negated == both.pop()) for it, both in claims if it.stems]

    def _is_contrary(self, claim: Claim) -> bool:
        if len(claim.stems) < self.LEAST or claim.is_reserved:
            return False
        shared = [(len(it.stems & claim.stems), it) for it in self._claims]
        alike = [it for count, it in shared if count >= max(self.LEAST, self.ALIKE * len(claim.stems))]
        return bool(alike) and all(self._differs(claim, it) for it in alike)

    def _is_denied(self, claim: Claim) -> bool:
        return not (claim.is_reserved or claim.is_own) and any(
            it.stems <= claim.stems and self._differs(claim, it) for it in self._flags
        )

    @staticmethod
    def _differs(one: Claim, other: Claim) -> bool:
        """True where exactly one is turned round: by a negation or by the other side of two opposites."""
        if other.is_reserved:
            return False
        is_opposite = not one.sides.isdisjoint(Sides.contrary(other.sides) if other.sides else NO_SIDES)
        return (one.is_negated != other.is_negated) != is_opposite
