"""What a person works out of two figures: sums, differences, products, ratios, percentages, counts."""

import re
from collections.abc import Iterator, Sequence
from itertools import permutations
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

    @staticmethod
    def _cue(name: str, signs: str = "") -> re.Pattern[str]:
        """Finds one of what the languages write for `name`."""
        words = Locale.pattern(Locale.beside_figures(name)) or r"(?!)"
        return re.compile(rf"(?<!\w)(?:{words})(?!\w){signs}", re.IGNORECASE)

    SUM: Final = _cue("sum", "|[+=]")
    DIFFERENCE: Final = _cue("difference", r"|=|\d\s?[-\u2212]\s?\d")
    RATIO: Final = _cue("ratio", r"|[=/:×x]")
    SHARE: Final = _cue("share")
    AVERAGE: Final = _cue("average")

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def explains(self, figure: Figure, sentence: str, beside: Sequence[Figure]) -> bool:
        """True when `figure`, in a `sentence` with the figures `beside` it, can be worked out."""
        if self._is_count(figure) or self._is_span(figure, sentence):
            return True
        named = [value for it in beside if it is not figure for value, _ in it.values]
        pool = self._pool(named)
        for value, unit in self._results(pool, figure, sentence, named):
            if unit is not None and figure.unit is not None:
                if not unit.meets(figure.unit):
                    continue
                value = unit.convert(value, figure.unit)
            if any(
                abs(abs(value) - wanted) <= Rounding.slack(wanted, step, figure.rough) for wanted, step in figure.values
            ):
                return True
        return False

    def _pool(self, named: Sequence[float]) -> Sequence[Known]:
        unique = list({(it.value, it.unit, it.key): it for it in self._evidence.known}.values())
        if len(unique) <= self.MOST:
            return unique
        return [it for it in unique if it.value in named][: self.MOST]

    def _is_count(self, figure: Figure) -> bool:
        value = figure.values[0][0] if figure.values else 0
        return (
            figure.unit is None
            and not figure.is_signed
            and 0 < value <= self.MOST_COUNTED
            and value in self._evidence.counts
        )

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

    def _results(
        self, pool: Sequence[Known], figure: Figure, sentence: str, named: Sequence[float]
    ) -> Iterator[tuple[float, Unit | None]]:
        is_share = figure.unit is not None and figure.unit.dimension == "share"
        adds, subtracts = self.SUM.search(sentence), self.DIFFERENCE.search(sentence)
        divides, compares = self.RATIO.search(sentence), self.SHARE.search(sentence)
        averages = self.AVERAGE.search(sentence)
        for column in self._evidence.columns if adds or averages else ():
            total = sum(it.value for it in column)
            yield total, column[0].unit
            yield total / len(column), column[0].unit
        if adds and named:
            shown = [it for it in pool if it.value in named]
            for unit in {it.unit for it in shown}:
                yield sum({it.value for it in shown if it.unit == unit}), unit
        for known in pool if adds else ():
            if known.unit and known.unit.dimension != "share":  # `two helmets cost 90 €`
                yield from (
                    (known.value * it, known.unit) for it in named if 1 < it <= self.MOST_COUNTED and it == int(it)
                )
        for one, other in permutations(pool, 2):
            are_alike = one.unit == other.unit and (one.unit is not None or one.key == other.key)
            if are_alike and one.value < other.value:
                if adds:
                    yield one.value + other.value, one.unit
                if subtracts:
                    yield other.value - one.value, one.unit
            if is_share and other.value and (compares or subtracts) and (one.unit == other.unit):
                yield self.WHOLE * one.value / other.value, figure.unit
                yield self.WHOLE * (one.value - other.value) / other.value, figure.unit
            if divides and other.value and not is_share:
                if not are_alike or figure.unit is None:
                    yield one.value / other.value, None if are_alike else one.unit
            if adds and self._is_number(one) and other.unit and other.unit.dimension != "share":
                yield one.value * other.value, other.unit
            if one.unit and one.unit.dimension == "share" and other.unit and other.unit.dimension != "share":
                part = Units.BY_NAME["fraction"].convert(
                    one.unit.convert(one.value, Units.BY_NAME["fraction"]), one.unit
                )
                if compares or subtracts or adds:
                    yield from ((other.value * it, other.unit) for it in self._parts(part, one.unit))
        for it in pool if is_share and subtracts else ():
            if it.unit and it.unit.dimension == "share":
                yield self.WHOLE - it.unit.convert(it.value, Units.BY_NAME["percent"]), figure.unit

    @staticmethod
    def _parts(value: float, unit: Unit) -> Sequence[float]:
        """A share, what it leaves, and the whole with it."""
        share = unit.convert(value, Units.BY_NAME["fraction"])
        return share, 1 - share, 1 + share

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
