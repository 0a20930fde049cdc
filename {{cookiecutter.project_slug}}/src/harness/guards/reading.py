"""One text as a guard reads it: its figures, its sentences, and the words that tell one figure from another."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import Language
from .dates import Dates
from .figures import Figure, FigureReader
from .number_words import NumberWords

Side = tuple[str, int]
"""A pair of opposites by its name, and 0 or 1: `extent`, 1 is a maximum."""

NO_SIDES: Final = frozenset[Side]()


class Sides:
    """Tells on which side of two opposites a figure or a sentence stands."""

    OF: Final[Mapping[str, frozenset[Side]]] = Locale.inverted(
        *(
            {(name, at): words}
            for it in Dates.LOCALES
            for name, two in it.opposites.items()
            for at, words in enumerate(two)
        )
    )
    SAID: Final = "said_"
    """Begins the names of opposites that a sentence has and no figure: `open until 6` is when it closes."""
    UP: Final = ("direction", 0)
    DOWN: Final = ("direction", 1)

    @classmethod
    def contrary(cls, sides: Iterable[Side]) -> frozenset[Side]:
        """The other side of each."""
        return frozenset((name, 1 - at) for name, at in sides)

    @classmethod
    def of(cls, words: Iterable[str]) -> frozenset[Side]:
        """The sides that folded `words` name; of those that name both, none."""
        sides = frozenset(side for word in words for side in cls.OF.get(word, ()))
        return sides - cls.contrary(sides)


class Reading:
    """Reads a text once; what is seldom needed is read when it is."""

    WORD: Final = re.compile(r"[^\W_]+")
    SHORT: Final = r"(?<!m[aá]x)(?<!m[ií]n)"
    """After these a full stop ends nothing."""
    END: Final = re.compile(rf"{SHORT}[.!?;](?=\s|\Z)|\n")
    """Of a sentence, within which figures belong together."""
    CLAUSE: Final = re.compile(
        rf"{SHORT}[.;:!?,](?=\s|\Z)|[()\n]|\s(?:{Locale.pattern(Locale.beside_figures('clause'))})\s"
    )

    def __init__(self, text: str, *, has_words: bool = True, language: Language | None = None) -> None:
        """Read `text`, with the numbers in words of its `language` or of any; without `has_words`, in a language without data, its digits only."""
        self.text = text
        self._has_words = has_words
        self._of_sentence: dict[int, Sequence[tuple[int, int]]] = {}
        has_numbers = has_words and not NumberWords.FOLDED.isdisjoint([word for _, word in self.words])
        self.figures: Sequence[Figure] = FigureReader.read(text, has_words=has_numbers, language=language)

    @cached_property
    def words(self) -> Sequence[tuple[int, str]]:
        """Where each word begins, and the word folded."""
        folded = Locale.fold(self.text)
        if len(folded) != len(self.text):  # a sign that folds to several, such as a dotted capital I
            return [(it.start(), Locale.fold(it[0])) for it in self.WORD.finditer(self.text)]
        return [(it.start(), it[0]) for it in self.WORD.finditer(folded)]

    @cached_property
    def _sides(self) -> Sequence[tuple[int, frozenset[Side]]]:
        """Where words stand that name a side."""
        return [(at, Sides.OF[word]) for at, word in self.words if word in Sides.OF] if self._has_words else ()

    @cached_property
    def _ends(self) -> Sequence[int]:
        return [it.start() for it in self.END.finditer(self.text)]

    def sentence(self, figure: Figure) -> tuple[int, int]:
        """Where the sentence of a figure begins and ends."""
        first = bisect_right(self._ends, figure.start)
        last = bisect_left(self._ends, figure.stop, first)
        return self._ends[first - 1] + 1 if first else 0, self._ends[last] if last < len(self._ends) else len(self.text)

    DASHES: Final = ("-", "\u2013", ":")
    SCORE: Final = re.compile(r"[-\u2013:]\d")

    def is_score(self, figure: Figure) -> bool:
        """True for the figures of `4-1`, which nobody works out."""
        before = self.text[max(0, figure.start - 2) : figure.start]
        is_second = before[:1].isdigit() and before[1:] in self.DASHES
        return is_second or self.SCORE.match(self.text, figure.stop) is not None

    def beside(self, figure: Figure) -> Sequence[Figure]:
        """The figures of its sentence, itself among them."""
        start, end = self.sentence(figure)
        return [it for it in self.figures if start <= it.start < end]

    def places(self, figure: Figure, names: Mapping[str, int]) -> Sequence[tuple[int, int]]:
        """Where in the sentence of a figure `names` stand, and what they name; a name of several words once."""
        if self._places is None:
            self._places = [(at, names[word]) for at, word in self.words if word in names]
        start, end = self.sentence(figure)
        if start not in self._of_sentence:
            found: list[tuple[int, int]] = []
            for at, row in self._places:
                if start <= at < end and not (found and found[-1][1] == row):
                    found.append((at, row))
            self._of_sentence[start] = found
        return self._of_sentence[start]

    _places: Sequence[tuple[int, int]] | None = None

    def has_word(self, figure: Figure, words: Set[str]) -> bool:
        """True where one of folded `words` is in the sentence of a figure."""
        start, end = self.sentence(figure)
        return any(start <= at < end and word in words for at, word in self.words)

    RESTATES: Final = re.compile(rf"[\s,(\u2013\u2014-]*(?:(?:{Locale.pattern(Locale.beside_figures('restates'))})\s)?")
    """Between a figure and the same in other words: `lost 2.70, or 3 %`."""

    def sides(self, figure: Figure) -> frozenset[Side]:
        """The sides that the words beside a figure name: those before it in its clause, else those after it."""
        if not self._sides:
            return NO_SIDES
        first, last = self.sentence(figure)
        at = bisect_left(self._starts, figure.start)
        before = max(first, self.figures[at - 1].stop) if at else first
        next_at = bisect_left(self._starts, figure.stop)
        after = min(last, self._starts[next_at]) if next_at < len(self._starts) else last
        if self._between(before, figure.start):
            start = max((it.end() for it in self.CLAUSE.finditer(self.text, before, figure.start)), default=before)
            if sides := self._between(start, figure.start):
                return sides
        elif at and self.RESTATES.fullmatch(self.text, before, figure.start):
            return self.sides(self.figures[at - 1])
        if self._between(figure.stop, after):
            cut = self.CLAUSE.search(self.text, figure.stop, after)
            return self._between(figure.stop, cut.start() if cut else after)
        return NO_SIDES

    def words_before(self, figure: Figure) -> Sequence[str]:
        """The folded words before a figure: `fuel and toll: 63`; after another figure those of its own clause."""
        start, _ = self.sentence(figure)
        at = bisect_left(self._starts, figure.start)
        if at and (before := self.figures[at - 1].stop) >= start:
            start = max((it.end() for it in self.CLAUSE.finditer(self.text, before, figure.start)), default=before)
        start = max(start, *(self.text.rfind(mark, start, figure.start) for mark in ",;("))
        words = self.words[bisect_left(self.words, (start,)) : bisect_left(self.words, (figure.start,))]
        return [word for _, word in words]

    @cached_property
    def _starts(self) -> Sequence[int]:
        return [it.start for it in self.figures]

    def _between(self, start: int, end: int) -> frozenset[Side]:
        first, last = bisect_left(self._sides, (start,)), bisect_left(self._sides, (end,))
        if first >= last:
            return NO_SIDES
        found = frozenset(side for _, sides in self._sides[first:last] for side in sides)
        return frozenset(it for it in found - Sides.contrary(found) if not it[0].startswith(Sides.SAID))

    def goes_wrong_way(self, figure: Figure) -> bool:
        """True for the second figure of `rose from 5 to 4`, `fell to 5 from 4`."""
        at = bisect_left(self._starts, figure.start) if self._sides else 0
        if not at or at >= len(self.figures) or self.figures[at] is not figure:
            return False
        one = self.figures[at - 1]
        if not (one.values and figure.values and one.unit in (None, figure.unit)):
            return False
        first, last = self._signed(one), self._signed(figure)
        gap = self.text[one.stop : figure.start].strip().lower()
        if gap in self.FROM:
            first, last = last, first
        elif not (gap in self.TO and self.text[: one.start].rstrip().lower().rpartition(" ")[2] in self.FROM):
            return False
        start, end = self.sentence(figure)
        direction = {
            it for place, sides in self._sides if start <= place < end for it in sides if it in self.DIRECTIONS
        }
        return direction in ({Sides.UP}, {Sides.DOWN}) and first != last and (last > first) != (Sides.UP in direction)

    DIRECTIONS: Final = frozenset({Sides.UP, Sides.DOWN})
    FROM: Final = frozenset(Locale.beside_figures("from"))
    TO: Final = frozenset(Locale.beside_figures("to"))

    @staticmethod
    def _signed(figure: Figure) -> float:
        value = figure.values[0][0]
        return -value if figure.is_signed else value
