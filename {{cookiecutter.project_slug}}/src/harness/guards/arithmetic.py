"""What a person works out of two figures: sums, differences, products, ratios, percentages, counts."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations, permutations
from typing import Final

from ..locale.locale import Locale
from .clock import Clock
from .evidence import Evidence, Known
from .figures import Figure
from .units import Unit, Units


class Arithmetic:
    """Tells whether a figure follows from two of the evidence, where its sentence says that it does.

    Without a word such as `total`, `more than`, `left` any small number would be the difference of some two.
    """

    MOST: Final = 40
    """Figures of the evidence that are combined; beyond them only those that the sentence names. A guess."""
    MOST_COUNTED: Final = 1000
    """Largest count that a reader would have counted. A guess."""
    WHOLE: Final = 100
    """Percent."""
    BASE_CHARS: Final = 24
    """Longest text between one unit of a currency and what it is worth: ` can be exchanged for `. A guess."""

    @staticmethod
    def _cue(name: str, signs: str = "") -> re.Pattern[str]:
        """Finds one of what the languages write for `name`."""
        words = Locale.pattern(Locale.beside_figures(name)) or r"(?!)"
        return re.compile(rf"(?<!\w)(?:{words})(?!\w){signs}", re.IGNORECASE)

    SUM: Final = _cue("sum", "|[+=]")
    DIFFERENCE: Final = _cue("difference", r"|=|\d\s?[-\u2212]\s?\d")
    RATIO: Final = _cue("ratio", r"|[=/:x\u00d7]")
    SHARE: Final = _cue("share")
    AVERAGE: Final = _cue("average")
    CALENDAR: Final = _cue("calendar")
    PARTS: Final = (12, 1 / 12, 52, 1 / 52)
    """Months and weeks of a year: what a figure by the one is by the other."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def explains(self, figure: Figure, sentence: str, beside: Sequence[Figure]) -> bool:
        """True when `figure`, in a `sentence` with the figures `beside` it, can be worked out."""
        if self._is_count(figure) or self._is_base(figure, beside) or self._is_span(figure, sentence):
            return True
        named = [value for it in beside if it is not figure for value, _ in it.values]
        return any(self._equals(figure, value, unit) for value, unit in self._results(figure, sentence, named))

    @staticmethod
    def _equals(figure: Figure, value: float, unit: Unit | None) -> bool:
        if unit is not None and figure.unit is not None:
            if not unit.meets(figure.unit):
                return False
            value = unit.convert(value, figure.unit)
        wanted = figure.values
        return any(abs(abs(value) - it) <= Rounding.slack(it, step, figure.rough) for it, step in wanted)

    def _pool(self, named: Sequence[float]) -> Sequence[Known]:
        if len(self._unique) <= self.MOST:
            return self._unique
        return [it for it in self._unique if it.value in named][: self.MOST]

    @cached_property
    def _unique(self) -> Sequence[Known]:
        return list({(it.value, it.unit, it.key): it for it in self._evidence.known}.values())

    def _is_count(self, figure: Figure) -> bool:
        value = figure.values[0][0] if figure.values else 0
        return (
            figure.unit is None
            and not figure.is_signed
            and 0 < value <= self.MOST_COUNTED
            and value in self._evidence.counts
        )

    @classmethod
    def _is_base(cls, figure: Figure, beside: Sequence[Figure]) -> bool:
        """True for the one unit of a currency that an exchange rate is for: `1 USD = 0.8621 EUR`."""
        unit = figure.unit
        if unit is None or unit.dimension != "money" or (1.0, 1.0) not in figure.values:
            return False
        after = next((it for it in beside if it.start >= figure.stop), None)
        other = after.unit if after and after.start - figure.stop <= cls.BASE_CHARS else None
        return other is not None and other.dimension == "money" and not other.meets(unit)

    def _is_span(self, figure: Figure, sentence: str) -> bool:
        """Between two times of day."""
        unit = figure.unit
        if unit is None or unit.dimension != "time" or not self.DIFFERENCE.search(sentence):
            return False
        minute = Units.BY_NAME["minute"]
        clocks = self._evidence.clocks
        pairs = [(one, other) for one, other in permutations(clocks, 2) if one < other or len(clocks) == 2]
        spans = [minute.convert((other - one) % Clock.DAY, unit) for one, other in pairs]
        return any(
            abs(it - value) <= min(step / 2, Rounding.CONVERTED * value)
            for it in spans
            for value, step in figure.values
        )

    def _results(self, figure: Figure, sentence: str, named: Sequence[float]) -> Iterator[tuple[float, Unit | None]]:
        """What the sentence may speak of, by its words."""
        pool = self._pool(named)
        is_share = figure.unit is not None and figure.unit.dimension == "share"
        adds, subtracts = bool(self.SUM.search(sentence)), bool(self.DIFFERENCE.search(sentence))
        if adds or self.AVERAGE.search(sentence):
            yield from self._of_columns()
        if adds:
            yield from self._sums(pool, named)
        if subtracts:
            yield from self._differences(pool, named)
        compares = subtracts or bool(self.SHARE.search(sentence))
        if figure.unit and is_share:
            yield from self._shares(pool, figure.unit) if compares else ()
        elif adds or compares:
            yield from self._shared(pool)
        if self.CALENDAR.search(sentence):
            yield from ((it.value * by, it.unit) for it in pool for by in self.PARTS if it.unit)
        if not is_share and (self.RATIO.search(sentence) or self.AVERAGE.search(sentence)):
            yield from self._ratios(pool, has_unit=figure.unit is not None)

    def _of_columns(self) -> Iterator[tuple[float, Unit | None]]:
        """Sums and averages of one fact over several rows."""
        for column in self._evidence.columns:
            total = sum(it.value for it in column)
            yield total, column[0].unit
            yield total / len(column), column[0].unit

    def _sums(self, pool: Sequence[Known], named: Sequence[float]) -> Iterator[tuple[float, Unit | None]]:
        """Sums of two, of all that the sentence names, and how much several of one are."""
        shown = [it for it in pool if it.value in named]
        for unit in {it.unit for it in shown}:
            yield sum({it.value for it in shown if it.unit == unit}), unit
        yield from ((one.value + other.value, one.unit) for one, other in self._alike(pool))
        for known in pool:
            if known.unit and known.unit.dimension != "share":  # `two helmets cost 90 €`
                times = [it for it in named if 1 < it <= self.MOST_COUNTED and it == int(it)]
                times += [it.value for it in pool if it is not known and self._is_number(it)]
                yield from ((known.value * it, known.unit) for it in times)

    def _differences(self, pool: Sequence[Known], named: Sequence[float]) -> Iterator[tuple[float, Unit | None]]:
        yield from ((other.value - one.value, one.unit) for one, other in self._alike(pool))
        shown = [it for it in pool if it.value in named and (it.unit is None or it.unit.dimension == "count")]
        yield from ((other.value - one.value, None) for one, other in combinations(shown, 2))

    @staticmethod
    def _alike(pool: Sequence[Known]) -> Iterator[tuple[Known, Known]]:
        """Pairs of one unit, or without a unit of one key, the smaller first."""
        for one, other in combinations(pool, 2):
            if one.unit == other.unit and (one.unit is not None or one.key == other.key):
                yield one, other

    def _shares(self, pool: Sequence[Known], unit: Unit) -> Iterator[tuple[float, Unit | None]]:
        """What percentage of another one a figure is, or differs by; and what is left of a percentage."""
        for one, other in permutations(pool, 2):
            if other.value and one.unit == other.unit:
                yield self.WHOLE * one.value / other.value, unit
                yield self.WHOLE * (one.value - other.value) / other.value, unit
        for it in pool:
            if it.unit and it.unit.dimension == "share":
                yield self.WHOLE - it.unit.convert(it.value, Units.BY_NAME["percent"]), unit

    def _shared(self, pool: Sequence[Known]) -> Iterator[tuple[float, Unit | None]]:
        """A percentage of a figure, what it leaves, and the whole with it."""
        for share, other in permutations(pool, 2):
            if share.unit and share.unit.dimension == "share" and other.unit and other.unit.dimension != "share":
                part = share.unit.convert(share.value, Units.BY_NAME["fraction"])
                yield from ((other.value * it, other.unit) for it in (part, 1 - part, 1 + part))

    @staticmethod
    def _ratios(pool: Sequence[Known], *, has_unit: bool) -> Iterator[tuple[float, Unit | None]]:
        """How many times another one a figure is, or how much of it falls to one of the other."""
        for one, other in permutations(pool, 2):
            are_alike = one.unit == other.unit and (one.unit is not None or one.key == other.key)
            if other.value and not (are_alike and has_unit):
                yield one.value / other.value, None if are_alike else one.unit

    @staticmethod
    def _is_number(known: Known) -> bool:
        """True for how many, such as nights or servings."""
        return (known.unit is None or known.unit.dimension in ("count", "time")) and known.value == int(known.value) > 1


class Rounding:
    """How far from what was found a figure may lie."""

    EPSILON: Final = 1e-9
    """Of floating point, relative."""
    MOST: Final = 0.1
    """Of a figure with `about`, relative: about 20 for 18.4. A guess."""

    CONVERTED: Final = 0.03
    """Of a figure in another unit than was found, relative: one mile for 1.6 km, no two hours for 95 minutes. A guess."""

    @classmethod
    def slack(cls, value: float, step: float, rough: str) -> float:
        """How far a figure of this `step` may be from the exact one; with `about` in steps of its zeros."""
        exact = step / 2 + cls.EPSILON * max(1, abs(value))
        if not rough or not value:
            return exact
        while value % (step * 10) == 0:
            step *= 10
        return max(exact, min(step / 2 if rough == "about" else step, cls.MOST * abs(value)))
