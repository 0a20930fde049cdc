"""Figures in a text: digits, words and clocks, with unit, sign and what stands beside them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ..locale.locale import Locale
from .dates import Dates
from .units import Unit, Units


class Figure(NamedTuple):
    """One figure of a text, in every way that it can be read."""

    text: str
    start: int
    stop: int
    """Where it ends with its unit."""
    values: tuple[tuple[float, float], ...] = ()
    """Value, and the smallest step that it is written in: `1.5 million` is 1,500,000 in steps of 100,000."""
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


_VALUES: Final = {word: value for locale in Dates.LOCALES for word, value in locale.numbers.items()}
_SCALES: Final = Locale.pattern(word for word, value in _VALUES.items() if value >= 1000)


class FigureReader:
    """Reads the figures of a text in the languages that there are data for."""

    GROUP: Final = "[ \u00a0\u202f\u2009'\u2019]"
    NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
    GROUPED: Final = re.compile(rf"\d{{1,3}}(?:{GROUP}\d{{3}})+(?!\d)(?:[.,]\d+)?")
    """In groups as people write them: `1 234 567`, `1'234`."""
    THOUSANDS: Final = re.compile(r"\d+(?:[.,]\d{3})+")

    VALUES: Final = _VALUES
    SCALE: Final = 1000
    """From this value on a word multiplies what stands before it."""
    _ONE_WORD: Final = Locale.pattern(VALUES)
    WORDS: Final = re.compile(
        rf"(?<![\w-])(?:{_ONE_WORD})(?:(?:[\s-]+|\s+(?:and|y)\s+)(?:{_ONE_WORD}))*(?!\w|-\w)", re.IGNORECASE
    )
    SCALED: Final = re.compile(
        rf"[\s\u00a0]?(?:{_SCALES})(?:\s(?:{_SCALES}))?(?!\w)", re.IGNORECASE
    )

    TOKEN: Final = re.compile(
        r"[\s\u00a0\u202f-]?((?:[^\W\d_]+[/.])*[^\W\d_]+[\u00b2\u00b323]?|[^\w\s.,;:!?()\"'\u2026*-]{1,2}[CFKcfk]?)(?![^\W_])"
    )
    """A word or a sign after a figure."""
    COMMON: Final = frozenset().union(*(it.common_words for it in Dates.LOCALES)) | frozenset(VALUES)
    ADJECTIVES: Final = frozenset(Locale.beside_figures("adjectives"))
    UNIT_WORDS: Final = 3
    """Most words of a unit and of what stands before it: `kilómetros por hora`, `full working days`."""
    ROUGH: Final = {it: name for name in ("under", "about", "over") for it in Locale.beside_figures(name)}
    ROUGH_ENDS: Final = frozenset(it.split()[-1] for it in ROUGH)
    ROUGH_WORDS: Final = 3
    """Most words of `por encima de`."""
    MINUS: Final = frozenset(Locale.beside_figures("minus"))
    NO_MINUS: Final = frozenset({"al", "o"})
    """Before `menos`: `al menos`, `más o menos`."""
    SKIPPED: Final = frozenset({"the", "a", "an", "los", "las", "el", "un", "una"})
    """Between `about` and its figure."""
    SPACES: Final = str.maketrans("\n\t\u00a0\u202f", "    ")
    SCALE_LETTERS: Final = frozenset(word[0] for word, value in _VALUES.items() if value >= 1000)
    HALVES: Final = frozenset(it.split()[-1] for it in Locale.beside_figures("half"))
    ZERO: Final = frozenset(it.split()[0] for it in Locale.beside_figures("below_zero"))
    DASHES: Final = "-\u2212\u2013"
    RANGE: Final = re.compile(rf"\s?(?:[-\u2013\u2014\u2212/&,]|(?:{Locale.pattern(Locale.beside_figures('to'))})(?=\s))\s?", re.IGNORECASE)
    BELOW_ZERO: Final = re.compile(rf"\s*(?:{Locale.pattern(Locale.beside_figures('below_zero'))})(?!\w)", re.IGNORECASE)
    HALF: Final = re.compile(rf"\s(?:{Locale.pattern(Locale.beside_figures('half'))})(?!\w)", re.IGNORECASE)
    NEAR_CHARS: Final = 32
    """How far before a figure what belongs to it is looked for: `well over `, `alrededor de `."""

    CLOCK: Final = re.compile(
        r"(?<![\d.,:])(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,]\d+)?)?|\s?h\s?(?P<hm>[0-5]\d)\b)(?![\d:])"
    )
    """With minutes: `18:00`, `1:38:04`, `8h30`."""
    DOTTED_CLOCK: Final = re.compile(r"(\d{1,2})[.]([0-5]\d)|(\d{1,2})")
    HALF_DAY: Final = re.compile(
        rf"\s?(?:(?P<am>{Locale.pattern(Locale.beside_figures('am'))})|(?P<pm>{Locale.pattern(Locale.beside_figures('pm'))}))(?!\w)", re.IGNORECASE
    )
    BEFORE_CLOCK: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_before"))}
    AFTER_CLOCK: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_after"))}
    PAST_AFTER: Final = re.compile(rf"\s?({Locale.pattern(AFTER_CLOCK)})(?!\w)", re.IGNORECASE)
    AT_HOUR: Final = frozenset(Locale.beside_figures("at_hour"))
    HOURS: Final = re.compile(r"\s?(?:h|hs|hrs)\b\.?")
    MINUTES: Final = 60
    NOON: Final = 720
    DAY: Final = 1440
    HALF_STEP: Final = 0.1
    """Of `four and a half`: it says 4.5 and nothing near it."""
    YEARS: Final = range(1900, 2101)
    """What four digits alone may be."""
    ALONE: Final = 1
    """`one`, `un`: an article or a pronoun as often, so no figure without a word beside it."""

    DIGIT: Final = re.compile(r"\d")
    FOLDED: Final = frozenset(map(Locale.fold, VALUES))

    @classmethod
    def may_hold(cls, text: str) -> bool:
        """False where no figure is in `text`."""
        return cls.DIGIT.search(text) is not None or not cls.VALUES.keys().isdisjoint(Dates.WORD.findall(text.lower()))

    @classmethod
    def read(cls, text: str, *, has_words: bool = True) -> list[Figure]:
        """The figures of `text` from its beginning to its end, in digits only without `has_words`."""
        found: list[Figure] = []
        at = 0
        while match := cls.NUMBER.search(text, at):
            at = match.end()
            after = text[at : at + 2]
            if after[:1] in ":hH" or after[1:] in "hH":
                if (clock := cls.CLOCK.match(text, match.start())) and (figure := cls._clock(text, clock)):
                    found.append(figure)
                    at = clock.end()
                    continue
            if grouped := cls.GROUPED.match(text, match.start()):
                at = grouped.end()
            found.append(cls._figure(text, match.start(), at, cls._readings(text[match.start() : at])))
        for match in cls.WORDS.finditer(text) if has_words else ():
            found += cls._in_words(text, match)
        if len(found) > 1:
            found.sort(key=lambda it: it.start)
            found = list(cls._joined(text, found))
        return found

    @staticmethod
    def blank(text: str, start: int, end: int) -> str:
        """`text` with spaces from `start` to `end`, so that everything else stays where it is."""
        return text[:start] + " " * (end - start) + text[end:]

    @classmethod
    def _clock(cls, text: str, match: re.Match[str]) -> Figure | None:
        hour, minute = int(match["h"]), int(match["m"] or match["hm"])
        start, end = match.span()
        unit, values = None, ()
        if match["hm"] or cls.HOURS.match(text, end):  # `8h30` lasts or begins
            unit, values = Units.BY_NAME["minute"], ((float(hour * cls.MINUTES + minute), 1.0),)
        if match["s"]:
            unit = Units.BY_NAME["second"]
            values = ((float((hour * cls.MINUTES + minute) * cls.MINUTES + int(match["s"])), 1.0),)
        clock = cls._minutes(hour, minute, cls.HALF_DAY.match(text, end), is_short=len(match["h"]) == 1)
        return Figure(match[0], start, end, values, unit, clock)

    @classmethod
    def _minutes(cls, hour: int, minute: int, half: re.Match[str] | None, *, is_short: bool) -> frozenset[int]:
        """Minutes since midnight; without `am` and `pm` an hour up to 12 may be of either half."""
        at = hour * cls.MINUTES + minute
        if at > cls.DAY:
            return frozenset()
        if half:
            at %= cls.NOON
            return frozenset({at + cls.NOON if half["pm"] else at})
        both = {at % cls.DAY, (at + cls.NOON) % cls.DAY} if is_short or at >= cls.NOON - 2 * cls.MINUTES else {at}
        return frozenset(both) if at < cls.NOON + cls.MINUTES else frozenset({at % cls.DAY})

    @classmethod
    def _in_words(cls, text: str, match: re.Match[str]) -> Iterator[Figure]:
        """The numbers in a run of words: `thirty-one` is one, `two and four` are two."""
        words = [(it[0].lower(), it.start() + match.start(), it.end() + match.start())
                 for it in re.finditer(r"[^\W\d_]+", match[0])]  # fmt: skip
        numbers: list[tuple[int, int, int]] = []
        total, current, last, begin, end = 0, 0, 0, -1, 0
        for word, start, stop in words:
            value = cls.VALUES.get(word)
            if value is None:  # `and`
                continue
            is_scale = value >= cls.SCALE
            is_hundred = value == cls.SCALE // 10 and 0 < current < cls.SCALE // 10
            fits = begin >= 0 and (is_scale or is_hundred or (last and value < cls._room(last)))
            if not fits and begin >= 0:
                numbers.append((total + current, begin, end))
                total, current, begin = 0, 0, -1
            begin = start if begin < 0 else begin
            if is_scale:
                total, current = (total + (current or 1) * value, 0) if value <= cls.SCALE else (
                    ((total + current) or 1) * value, 0)  # fmt: skip
            else:
                current = current * value if is_hundred else current + value
            last, end = value, stop
        numbers.append((total + current, begin, end))
        figures = [cls._figure(text, start, stop, ((float(it), 1.0),), is_word=True) for it, start, stop in numbers]
        figures = [it for it in figures if it.values[0][0] != cls.ALONE or it.clock or (it.unit and len(numbers) == 1)]
        pair = [int(it.values[0][0]) for it in figures]
        if len(pair) == 2 and pair[0] <= cls.NOON // cls.MINUTES and pair[1] < cls.MINUTES:
            one, other = figures  # `nine thirty`, `siete y cinco`
            clock = cls._minutes(*pair, cls.HALF_DAY.match(text, other.stop), is_short=True)
            whole, parts = text[one.start : other.stop], tuple(cls._joined(text, figures))
            figures = [Figure(whole, one.start, other.stop, clock=clock, is_word=True, parts=parts)]
        yield from figures

    @staticmethod
    def _room(value: int) -> int:
        """Below what the next word must lie to belong to the same number: 20 takes 1 to 9, 100 takes 1 to 99."""
        room = 1
        while value % (room * 10) == 0:
            room *= 10
        return room

    @classmethod
    def _figure(
        cls, text: str, start: int, end: int, values: tuple[tuple[float, float], ...], *, is_word: bool = False
    ) -> Figure:
        clock, stop = frozenset[int](), end
        tail = text[end : end + cls.NEAR_CHARS]
        if not is_word and tail.lstrip()[:1].lower() in cls.SCALE_LETTERS and (scale := cls.SCALED.match(text, end)):
            for word in scale[0].lower().split():
                values = tuple((value * cls.VALUES[word], step * cls.VALUES[word]) for value, step in values)
            stop = scale.end()
        half = None
        has_half = any(it in tail for it in cls.HALVES)
        if has_half and (half := cls.HALF.match(text, stop)):
            values, stop = tuple((value + 0.5, cls.HALF_STEP) for value, _ in values), half.end()
        unit, stop = cls._unit(text, stop)
        if unit and has_half and not half and (half := cls.HALF.match(text, stop)):
            values, stop = tuple((value + 0.5, cls.HALF_STEP) for value, _ in values), half.end()
        lead = text[max(0, start - cls.NEAR_CHARS) : start].lower().translate(cls.SPACES).split(" ")
        glued = lead[-1].lstrip("(\"“«*[=:~≈<>/")
        is_signed = glued[:1] in cls.DASHES and glued != "" and not glued[1:].isalnum()
        sign = lead[-1].strip("(\"“«*[=:~≈<>" + cls.DASHES) or (lead[-2] if len(lead) > 1 else "")
        if codes := Units.CURRENCIES.get(sign.upper()) or Units.CURRENCIES.get(sign):
            unit = Units.read(sign) or Unit("money", codes=codes)
            lead = [*lead[:-2], ""] if lead[-1] == "" else [*lead[:-1], ""]
        rough = cls._rough(lead)
        if len(lead) > 1 and lead[-2] in cls.MINUS and lead[-3:-2] != [] and lead[-3] in cls.NO_MINUS:
            rough = rough or "about"
        elif len(lead) > 1 and lead[-2] in cls.MINUS and not lead[-1]:
            is_signed = True
        if not cls.ZERO.isdisjoint(tail.split()) and (below := cls.BELOW_ZERO.match(text, stop)):
            is_signed, stop = True, below.end()
        if unit is None or unit.dimension == "time":
            clock = cls._hour(text, start, end, values, lead)
        return Figure(text[start:end], start, stop, values, unit, clock, is_signed, rough, is_word)

    @classmethod
    def _unit(cls, text: str, stop: int) -> tuple[Unit | None, int]:
        """The unit that follows, and where it ends."""
        words: list[str] = []
        ends: list[int] = []
        at = stop
        while len(words) < cls.UNIT_WORDS and (match := cls.TOKEN.match(text, at)):
            words.append(match[1])
            ends.append(at := match.end())
            if len(words) == 1 and match[1].lower() not in Units.BEGINNINGS and match[1].lower() not in cls.ADJECTIVES:
                if unit := Units.read(match[1]):
                    return unit, at
                following = cls.TOKEN.match(text, at) if match[1].islower() and match[1] not in cls.COMMON else None
                unit = Units.WORDS.get(following[1].lower()) if following else None  # `ten sick days`
                return unit, following.end() if following and unit else stop
        for first in range(len(words)):
            for last in range(len(words), first, -1):
                if unit := Units.read(" ".join(words[first:last])):
                    return unit, ends[last - 1]
            if words[first].lower() not in cls.ADJECTIVES:
                break
        return None, stop

    @classmethod
    def _rough(cls, lead: Sequence[str]) -> str:
        """`about`, `over` or `under`, by the words before a figure, the last of them glued to it."""
        if lead[-1] and (glued := lead[-1].strip("(*")) in cls.ROUGH:
            return cls.ROUGH[glued]
        words = [it.lstrip("(*¿¡\"“«") for it in lead[-2 - cls.ROUGH_WORDS : -1]]
        if words and words[-1] in cls.SKIPPED:
            words.pop()
        if not words or words[-1] not in cls.ROUGH_ENDS:
            return ""
        sizes = range(min(cls.ROUGH_WORDS, len(words)), 0, -1)
        return next((cls.ROUGH[it] for it in (" ".join(words[-size:]) for size in sizes) if it in cls.ROUGH), "")

    @classmethod
    def _hour(
        cls, text: str, start: int, end: int, values: tuple[tuple[float, float], ...], lead: Sequence[str]
    ) -> frozenset[int]:
        """The time of day that a number may be: `6 pm`, `18 h`, `half past six`, `las 9`."""
        if not values or values[-1][0] >= cls.DAY // cls.MINUTES + 1:
            return frozenset()
        digits = cls.DOTTED_CLOCK.fullmatch(text, start, end)
        hour, minute = (int(digits[1] or digits[3]), int(digits[2] or 0)) if digits else (int(values[0][0]), 0)
        past, after = " ".join(lead[-3:-1]), cls.PAST_AFTER.match(text, end)
        if past in cls.BEFORE_CLOCK:
            minute = cls.BEFORE_CLOCK[past]
        elif after:
            minute = cls.AFTER_CLOCK[after[1].lower()]
            end = after.end()
        half = cls.HALF_DAY.match(text, end)
        if past in cls.BEFORE_CLOCK or after or half or cls.HOURS.match(text, end) or lead[-2:-1] and lead[-2] in cls.AT_HOUR:
            return cls._minutes(hour, minute, half, is_short=True)
        return frozenset()

    @classmethod
    def _joined(cls, text: str, figures: list[Figure]) -> Iterator[Figure]:
        """`figures` with the unit that `2 to 4 days` gives to both, and `8 h 30 min` as one."""
        for at in range(len(figures) - 2, -1, -1):
            one, other = figures[at : at + 2]
            is_year = not one.is_word and one.values and one.values[0][0] in cls.YEARS
            if one.unit is None and other.unit and one.values and not is_year and other.start - one.stop < cls.NEAR_CHARS:
                if cls.RANGE.fullmatch(text, one.stop, other.start):
                    figures[at] = one._replace(unit=other.unit)
            is_hour = other.clock and not one.clock and one.unit in (None, other.unit) and one.values
            if is_hour and one.values[0][0] <= cls.DAY // cls.MINUTES and cls.RANGE.fullmatch(text, one.stop, other.start):
                figures[at] = figures[at]._replace(clock=cls._minutes(int(one.values[0][0]), 0, None, is_short=True))
        part: Figure | None = None
        for figure in figures:
            if part and figure.start < part.stop:  # `million`, `below zero`
                continue
            if part and part.unit and figure.unit and (whole := cls._whole(text, part, figure)):
                part = whole
                continue
            if part:
                yield part
            part = figure
        if part:
            yield part

    @staticmethod
    def _whole(text: str, one: Figure, other: Figure) -> Figure | None:
        if not (one.unit and other.unit and one.values and other.values and one.unit.dimension == other.unit.dimension):
            return None
        big, small = one.unit.factor or 0, other.unit.factor or 0
        if not (big > small > 0) or not re.fullmatch(r"\s?(?:,|and|y)?\s?", text[one.stop : other.start]):
            return None
        if other.values[0][0] * small >= big:
            return None
        value = one.values[0][0] * big / small + other.values[0][0]
        return other._replace(text=text[one.start : other.stop], start=one.start, values=((value, 1.0),), rough=one.rough)

    @classmethod
    @lru_cache(maxsize=1024)
    def _readings(cls, text: str) -> tuple[tuple[float, float], ...]:
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
