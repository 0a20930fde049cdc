"""Figures in a text: digits, words and clocks, with unit, sign and what stands beside them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ..locale.locale import Locale
from ..prompts.language import Language
from .clock import Clock
from .dates import Dates
from .number_words import NumberWords
from .units import Unit, UnitReader, Units

Values = tuple[tuple[float, float], ...]
"""Values that a number may mean, each with the smallest step that it is written in."""


class Figure(NamedTuple):
    """One figure of a text, in every way that it can be read."""

    text: str
    start: int
    stop: int
    """Where it ends with its unit."""
    values: Values = ()
    """`1.5 million` is 1,500,000 in steps of 100,000."""
    unit: Unit | None = None
    clock: frozenset[int] = frozenset()
    """Minutes since midnight."""
    is_signed: bool = False
    """With a minus, or `below zero`."""
    rough: str = ""
    """`about`, `over`, `under`; empty: exactly."""
    is_word: bool = False
    parts: tuple["Figure", ...] = ()
    """What it is instead, where it is no time of day: `nine thirty`, `two and four`."""


class Lead:
    """What stands before a figure and changes what it says: a sign, a currency, `about`, `minus`."""

    CHARS: Final = 32
    """How far back that is looked for: `well over `, `alrededor de `."""
    SPACES: Final = str.maketrans("\n\t\u00a0\u202f", "    ")
    MARKS: Final = '("“«*[=:~≈<>/'
    DASHES: Final = "-\u2212\u2013"
    ROUGH: Final = {it: name for name in ("under", "about", "over") for it in Locale.beside_figures(name)}
    ROUGH_ENDS: Final = frozenset(it.split()[-1] for it in ROUGH)
    ROUGH_WORDS: Final = 3
    """Most words of `por encima de`."""
    MINUS: Final = frozenset(Locale.beside_figures("minus"))
    NO_MINUS: Final = frozenset({"al", "o"})
    """Before `menos`: `al menos`, `más o menos`."""
    SKIPPED: Final = frozenset({"the", "a", "an", "los", "las", "el", "un", "una"})
    """Between `about` and its figure."""

    def __init__(self, text: str, start: int) -> None:
        words = text[max(0, start - self.CHARS) : start].lower().translate(self.SPACES).split(" ")
        glued = words[-1].lstrip(self.MARKS)
        self.is_signed = glued != "" and glued[0] in self.DASHES and not glued[1:].isalnum()
        sign = words[-1].strip(self.MARKS + self.DASHES) or (words[-2] if len(words) > 1 else "")
        self.unit: Unit | None = None
        if codes := Units.CURRENCIES.get(sign.upper()) or Units.CURRENCIES.get(sign):
            self.unit = Unit("money", codes=codes)
            if not words[-1]:
                words.pop()
            words[-1] = ""
        self.words: Sequence[str] = words
        self.rough = self._rough(words)
        *before, last, glued = ["", "", *words]
        if last in self.MINUS and not glued:
            self.is_signed = before[-1] not in self.NO_MINUS
            self.rough = "" if self.is_signed else "about"

    @classmethod
    def _rough(cls, words: Sequence[str]) -> str:
        """`about`, `over` or `under`, by the words before a figure, the last of them glued to it."""
        if words[-1] and (glued := words[-1].strip("(*")) in cls.ROUGH:
            return cls.ROUGH[glued]
        last = [it.lstrip('(*¿¡"“«') for it in words[:-1]]
        if last and last[-1] in cls.SKIPPED:
            last.pop()
        if not last or last[-1] not in cls.ROUGH_ENDS:
            return ""
        sizes = range(min(cls.ROUGH_WORDS, len(last)), 0, -1)
        return next((cls.ROUGH[it] for it in (" ".join(last[-size:]) for size in sizes) if it in cls.ROUGH), "")


class FigureReader:
    """Reads the figures of a text in the languages that there are data for."""

    SPACES: Final = " \u00a0\u202f\u2009'\u2019"
    GROUP: Final = f"[{SPACES}]"
    NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
    GROUPED: Final = re.compile(rf"\d\d?\d?(?:{GROUP}\d\d\d)+(?!\d)(?:[.,]\d+)?")
    """In groups as people write them: `1 234 567`, `1'234`."""
    THOUSANDS: Final = re.compile(r"\d+(?:[.,]\d{3})+")
    PARTS: Final = {k: float(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("half"))}
    HALVES: Final = frozenset(it.split()[-1] for it in PARTS)
    HALF: Final = re.compile(rf"\s({Locale.pattern(PARTS)})(?!\w)", re.IGNORECASE)
    HALF_STEP: Final = 0.01
    """Of `four and a half`: it says 4.5 and nothing near it."""
    BELOW_ZERO: Final = re.compile(
        rf"\s*(?:{Locale.pattern(Locale.beside_figures('below_zero'))})(?!\w)", re.IGNORECASE
    )
    RANGE: Final = re.compile(
        rf"\s?(?:[-\u2013\u2014\u2212/&,]|(?:{Locale.pattern(Locale.beside_figures('to'))})(?=\s))\s?", re.IGNORECASE
    )
    JOIN: Final = re.compile(r"\s?(?:,|and|y)?\s?")
    """Between hours and minutes."""
    RANGE_CHARS: Final = 12
    """Longest of what stands between the ends of a range. A guess."""
    TIME_OF_DAY: Final = Unit("clock")
    """Of `9 pm`, which is no 9 °C."""
    OF_TIME: Final = (None, TIME_OF_DAY, Units.BY_NAME["minute"])
    YEARS: Final = range(1900, 2101)
    """What four digits alone may be."""
    ALONE: Final = 1
    """`one`, `un`: an article or a pronoun as often, so no figure without a word beside it."""
    DIGIT: Final = re.compile(r"\d")

    @classmethod
    def may_hold(cls, text: str) -> bool:
        """False where no figure is in `text`."""
        words = cls.DIGIT.search(text) is None and Dates.WORD.findall(text.lower())
        return words is False or not NumberWords.VALUES.keys().isdisjoint(words)

    @classmethod
    def read(cls, text: str, *, has_words: bool = True, language: Language | None = None) -> list[Figure]:
        """The figures of `text` from its beginning to its end, in digits only without `has_words`."""
        found: list[Figure] = []
        has_half = any(it in text for it in cls.HALVES)
        at = 0
        while match := cls.NUMBER.search(text, at):
            after = text[match.end() : match.end() + 2]
            may_be_clock = after[:1] in ":h" or after[1:] == "h"
            if after and may_be_clock and (clock := Clock.WRITTEN.match(text, match.start())):
                found.append(cls._clock(text, clock))
                at = clock.end()
                continue
            grouped = cls.GROUPED.match(text, match.start()) if after[:1] in cls.SPACES else None
            at = grouped.end() if grouped else match.end()
            values = cls.readings(text[match.start() : at])
            found.append(cls._figure(text, match.start(), at, values, has_half=has_half))
        for run in NumberWords.run(language).finditer(text) if has_words else ():
            found += cls._in_words(text, run)
        if len(found) > 1:
            found.sort(key=lambda it: it.start)
            found = list(cls._joined(text, found))
        return found

    @staticmethod
    def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
        """`text` with spaces in `spans`, so that everything else stays where it is."""
        parts, at = list[str](), 0
        for start, end in sorted(spans):
            if end > at:
                parts += [text[at : max(at, start)], " " * (end - max(at, start))]
                at = end
        return "".join([*parts, text[at:]]) if at else text

    @classmethod
    def _clock(cls, text: str, match: re.Match[str]) -> Figure:
        hour, minute = int(match["h"]), int(match["m"] or match["hm"])
        start, end = match.span()
        unit, values = None, Values()
        if match["hm"] or Clock.HOURS.match(text, end):  # `8h30` lasts or begins
            unit, values = Units.BY_NAME["minute"], ((float(hour * Clock.HOUR + minute), 1.0),)
        if hour > Clock.LAST_HOUR:  # a run of 52:14
            unit, values = Units.BY_NAME["second"], ((float(hour * Clock.HOUR + minute), 1.0),)
        if match["s"]:
            unit = Units.BY_NAME["second"]
            values = ((float((hour * Clock.HOUR + minute) * Clock.HOUR + int(match["s"])), 1.0),)
        clock = Clock.minutes(text, end, hour, minute, is_short=len(match["h"]) == 1)
        return Figure(match[0], start, end, values, unit, clock)

    @classmethod
    def _in_words(cls, text: str, run: re.Match[str]) -> Sequence[Figure]:
        numbers = [*NumberWords.numbers(run)]
        read = [cls._figure(text, start, stop, ((float(it), 1.0),), is_word=True) for it, start, stop in numbers]
        figures = [it for it in read if it.values[0][0] != cls.ALONE or it.clock or (it.unit and len(read) == 1)]
        pair = [int(it.values[0][0]) for it in figures]
        if len(pair) == 2 and pair[0] <= Clock.LAST_HOUR // 2 and pair[1] < Clock.HOUR:
            one, other = figures  # `nine thirty`, `siete y cinco`
            whole, parts = text[one.start : other.stop], tuple(cls._joined(text, figures))
            clock = Clock.minutes(text, other.stop, *pair)
            return [Figure(whole, one.start, other.stop, clock=clock, is_word=True, parts=parts)]
        return figures

    @classmethod
    def _figure(
        cls, text: str, start: int, end: int, values: Values, *, is_word: bool = False, has_half: bool = True
    ) -> Figure:
        tail, stop = text[end : end + 2].lstrip(), end
        if tail[:1] in NumberWords.SCALE_LETTERS and not is_word:
            values, stop = cls._scaled(text, stop, values)
        before_unit = stop
        if has_half:
            values, stop = cls._with_half(text, stop, values)
        unit, after_unit = UnitReader.read(text, stop)
        if has_half and unit and stop == before_unit:
            values, after_unit = cls._with_half(text, after_unit, values)
        lead = Lead(text, start)
        unit, stop, is_signed = lead.unit or unit, after_unit, lead.is_signed
        if text[stop : stop + 2].strip() and (below := cls.BELOW_ZERO.match(text, stop)):
            is_signed, stop = True, below.end()
        may_be_time = values and (unit is None or unit.dimension == "time")
        clock = Clock.hour(text, (start, end), values[-1][0], lead.words) if may_be_time else frozenset[int]()
        if clock and unit is None and (Clock.HALF_DAY.match(text, end) or Clock.is_said(text, end, lead.words)):
            unit = cls.TIME_OF_DAY
        return Figure(text[start:end], start, stop, values, unit, clock, is_signed, lead.rough, is_word)

    @staticmethod
    def _scaled(text: str, at: int, values: Values) -> tuple[Values, int]:
        """With the ` million` that stands at `at`."""
        scale = NumberWords.SCALED.match(text, at)
        for word in scale[0].lower().split() if scale else ():
            values = tuple(
                (value * NumberWords.VALUES[word], step * NumberWords.VALUES[word]) for value, step in values
            )
        return values, scale.end() if scale else at

    @classmethod
    def _with_half(cls, text: str, at: int, values: Values) -> tuple[Values, int]:
        """With the ` and a half` that stands at `at`."""
        if half := cls.HALF.match(text, at):
            part = cls.PARTS[half[1].lower()]
            return tuple((value + part, cls.HALF_STEP) for value, _ in values), half.end()
        return values, at

    @classmethod
    def _joined(cls, text: str, figures: list[Figure]) -> Iterator[Figure]:
        """`figures` with the unit that `2 to 4 days` gives to both, and `8 h 30 min` as one."""
        cls._tell_times(text, figures)
        for at in range(len(figures) - 2, -1, -1):
            figures[at] = cls._as_next(text, figures[at], figures[at + 1])
        part: Figure | None = None
        for figure in figures:
            if part and figure.start < part.stop:  # `million`, `below zero`
                continue
            whole = cls._whole(text, part, figure) if part and part.unit and figure.unit else None
            if part and not whole:
                yield part
            part = whole or figure
        if part:
            yield part

    @classmethod
    def _tell_times(cls, text: str, figures: list[Figure]) -> None:
        """Join in `figures` the two numbers of `five past seven`, which are two where it is no time of day."""
        for at in range(len(figures) - 2, -1, -1):
            one, other = pair = (figures[at], figures[at + 1])
            ends = [(it.values[0][0], it.stop) for it in pair if it.values and it.unit in cls.OF_TIME]
            if len(ends) == len(pair) and (clock := Clock.told(text, text[one.stop : other.start], *ends)):
                whole = text[one.start : other.stop]
                figures[at : at + 2] = [Figure(whole, one.start, other.stop, clock=clock, is_word=True, parts=pair)]

    @classmethod
    def _as_next(cls, text: str, one: Figure, other: Figure) -> Figure:
        """`one`, with the unit or the time of day that it shares with the `other` end of a range."""
        takes_unit = one.unit is None and other.unit is not None
        takes_clock = bool(other.clock) and not one.clock and one.unit in (None, other.unit)
        if not (one.values and (takes_unit or takes_clock)) or other.start - one.stop > cls.RANGE_CHARS:
            return one
        if not cls.RANGE.fullmatch(text, one.stop, other.start):
            return one
        value = one.values[0][0]
        if takes_clock and value <= Clock.LAST_HOUR:
            one = one._replace(clock=Clock.minutes("", 0, int(value), 0))
        is_year = not one.is_word and value in cls.YEARS
        return one._replace(unit=other.unit) if takes_unit and not is_year else one

    @classmethod
    def _whole(cls, text: str, one: Figure, other: Figure) -> Figure | None:
        """`8 h 30 min` as minutes; None where they are two."""
        if not (one.unit and other.unit and one.values and other.values and one.unit.dimension == other.unit.dimension):
            return None
        big, small = one.unit.factor or 0, other.unit.factor or 0
        if not (big > small > 0) or not cls.JOIN.fullmatch(text, one.stop, other.start):
            return None
        if other.values[0][0] * small >= big:
            return None
        value = one.values[0][0] * big / small + other.values[0][0]
        whole = text[one.start : other.stop]
        return other._replace(text=whole, start=one.start, values=((value, 1.0),), rough=one.rough)

    @classmethod
    @lru_cache(maxsize=1024)
    def readings(cls, text: str) -> Values:
        """Every value that a number may mean, and its last place: `1.234` is 1234 or 1.234."""
        readings: list[tuple[float, float]] = []
        digits = "".join(filter(str.isdigit, text))
        marks = [it for it in text if it in ".,"]
        if not marks or cls.THOUSANDS.fullmatch(text):
            readings.append((float(digits), 1.0))
        if marks and (len(marks) == 1 or marks[-1] not in marks[:-1]):
            decimals = len(re.split(r"[.,]", text)[-1])
            readings.append((int(digits) / 10**decimals, 10.0**-decimals))
        return tuple(readings)
