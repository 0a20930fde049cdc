"""Figures in a text: digits, words and clocks, with unit, sign and what stands beside them."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..locale.locale import Locale
from .dates import Dates


class Unit(NamedTuple):
    """What a figure counts."""

    dimension: str
    factor: float | None = None
    """How many of the dimension's base unit one is; None: any unit of it."""
    offset: float = 0
    codes: frozenset[str] = frozenset()
    """Currencies that it may be; empty: any."""

    def meets(self, other: "Unit") -> bool:
        """True when a figure of one may be one of the other, converted where both have a factor."""
        is_same_money = not (self.codes and other.codes) or not self.codes.isdisjoint(other.codes)
        return self.dimension == other.dimension and is_same_money

    def convert(self, value: float, unit: "Unit") -> float:
        """`value` of this unit in `unit`, of the same dimension."""
        if self.factor is None or unit.factor is None or self == unit:
            return value
        return (value * self.factor + self.offset - unit.offset) / unit.factor


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


_DATA: Final[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("units.toml").read_text(encoding="utf-8"))
_UNITS: Final = {name: Unit(it["dimension"], it.get("factor"), it.get("offset", 0)) for name, it in _DATA.items()}


class Units:
    """The units of every language."""

    BY_NAME: Final = _UNITS
    CURRENCIES: Final = Locale.inverted(*(it.currencies for it in Dates.LOCALES))
    """Codes, signs and what amounts are called -> the codes (ISO 4217) that each may mean."""
    SIGNS: Final = {sign: _UNITS[name] for name, it in _DATA.items() for sign in it.get("signs", "").split()}
    WORDS: Final = {
        word: _UNITS[name]
        for locale in Dates.LOCALES
        for name, words in locale.units.items()
        if name in _UNITS
        for word in words
    }
    KEYS: Final = {key: _UNITS[name] for name, it in _DATA.items() for key in it.get("keys", "").split()}
    SHORT_KEY: Final = 1
    """A key of one letter ends another, `altitude_m`, and never stands alone."""

    @classmethod
    def read(cls, written: str) -> Unit | None:
        """The unit that is written so, such as `km`, `days`, `€`."""
        plain = " ".join(written.split())
        if unit := cls.SIGNS.get(plain) or cls.WORDS.get(plain.lower()):
            return unit
        codes = cls.CURRENCIES.get(plain) or cls.CURRENCIES.get(plain.lower())
        return Unit("money", codes=codes) if codes else None

    @classmethod
    def of_key(cls, key: str) -> Unit | None:
        """The unit that the name of a fact tells: `wind_kmh`, `priceEur`."""
        words = re.findall(r"[^\W_]+", Locale.fold(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key)))
        for size in (2, 1):
            for at in range(len(words) - size, -1, -1):
                part = "_".join(words[at : at + size])
                is_last = at + size == len(words) > size
                if part in cls.KEYS and (len(part) > cls.SHORT_KEY or is_last):
                    return cls.KEYS[part]
                if codes := cls.CURRENCIES.get(part.upper()):
                    return Unit("money", codes=codes)
        return None


_VALUES: Final = {word: value for locale in Dates.LOCALES for word, value in locale.numbers.items()}
_SCALES: Final = Locale.pattern(word for word, value in _VALUES.items() if value >= 1000)


class FigureReader:
    """Reads the figures of a text in the languages that there are data for."""

    GROUP: Final = "[ \u00a0\u202f\u2009'\u2019]"
    NUMBER: Final = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:{GROUP}\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*")
    """With groups as people write them: `1 234 567`, `1'234`."""
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

    @staticmethod
    def _listed(name: str) -> tuple[str, ...]:
        """What the languages write for a name in their table of figures."""
        return tuple(it for locale in Dates.LOCALES for it in locale.figures.get(name, ()) if it)

    _UNIT: Final = Locale.pattern(Units.SIGNS, Units.WORDS, Units.CURRENCIES)
    UNIT: Final = re.compile(
        rf"[\s\u00a0\u202f-]?(?:(?:{Locale.pattern(_listed('adjectives'))})\s+){{0,2}}(?P<unit>{_UNIT})(?![^\W_])",
        re.IGNORECASE,
    )
    CURRENCY_BEFORE: Final = re.compile(rf"(?P<unit>{Locale.pattern(Units.CURRENCIES)})\s?[-\u2212]?\Z")
    ROUGH: Final = re.compile(
        "|".join(
            rf"(?P<{name}>{Locale.pattern(words)})"
            for name, words in (("over", _listed("over")), ("under", _listed("under")), ("about", _listed("about")))
        ).join((r"(?<!\w)(?:", r")\s*(?:the|a|an|los|las|el|un|una)?\s*[€$£]?\Z")),
        re.IGNORECASE,
    )
    MINUS: Final = re.compile(
        rf"(?:(?:\A|[\s(\[=:/~€$£])[-\u2212\u2013]|(?<!al )(?<!o )\b(?:{Locale.pattern(_listed('minus'))})\s)[€$£]?\Z",
        re.IGNORECASE,
    )
    RANGE: Final = re.compile(rf"\s?(?:[-\u2013\u2014\u2212/&,]|(?:{Locale.pattern(_listed('to'))})(?=\s))\s?", re.IGNORECASE)
    BELOW_ZERO: Final = re.compile(rf"\s*(?:{Locale.pattern(_listed('below_zero'))})(?!\w)", re.IGNORECASE)
    HALF: Final = re.compile(rf"\s(?:{Locale.pattern(_listed('half'))})(?!\w)", re.IGNORECASE)
    NEAR_CHARS: Final = 32
    """How far before a figure what belongs to it is looked for: `well over `, `alrededor de `."""

    CLOCK: Final = re.compile(
        r"(?<![\d.,:])(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,]\d+)?)?|\s?h\s?(?P<hm>[0-5]\d)\b)(?![\d:])"
    )
    """With minutes: `18:00`, `1:38:04`, `8h30`."""
    DOTTED_CLOCK: Final = re.compile(r"(\d{1,2})[.]([0-5]\d)|(\d{1,2})")
    HALF_DAY: Final = re.compile(
        rf"\s?(?:(?P<am>{Locale.pattern(_listed('am'))})|(?P<pm>{Locale.pattern(_listed('pm'))}))(?!\w)", re.IGNORECASE
    )
    BEFORE_CLOCK: Final = {k: int(v) for k, _, v in (it.partition("=") for it in _listed("clock_before"))}
    AFTER_CLOCK: Final = {k: int(v) for k, _, v in (it.partition("=") for it in _listed("clock_after"))}
    PAST: Final = re.compile(rf"(?<!\w)({Locale.pattern(BEFORE_CLOCK)})\s\Z", re.IGNORECASE)
    PAST_AFTER: Final = re.compile(rf"\s?({Locale.pattern(AFTER_CLOCK)})(?!\w)", re.IGNORECASE)
    AT_HOUR: Final = re.compile(rf"(?<!\w)(?:{Locale.pattern(_listed('at_hour'))})\s\Z", re.IGNORECASE)
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

    @classmethod
    def read(cls, text: str) -> list[Figure]:
        """The figures of `text` from its beginning to its end."""
        found: list[Figure] = []
        plain = text
        if ":" in text or "h" in text:
            for match in cls.CLOCK.finditer(text):
                if figure := cls._clock(text, match):
                    found.append(figure)
                    plain = cls.blank(plain, *match.span())
        for match in cls.NUMBER.finditer(plain):
            found.append(cls._figure(text, match.start(), match.end(), tuple(cls._readings(match[0]))))
        if not cls.VALUES.keys().isdisjoint(Dates.WORD.findall(text.lower())):
            for match in cls.WORDS.finditer(plain):
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
            is_hundred = value == cls.SCALE // 10 and 0 < current < cls.SCALE // 100
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
        before, written = text[max(0, start - cls.NEAR_CHARS) : start], text[start:end]
        clock, stop = frozenset[int](), end
        if scale := cls.SCALED.match(text, end) if not is_word else None:
            for word in scale[0].lower().split():
                values = tuple((value * cls.VALUES[word], step * cls.VALUES[word]) for value, step in values)
            stop = scale.end()
        if half := cls.HALF.match(text, stop):
            values, stop = tuple((value + 0.5, cls.HALF_STEP) for value, _ in values), half.end()
        unit = None
        if match := cls.UNIT.match(text, stop):
            unit = Units.read(match["unit"])
            stop = match.end() if unit else stop
            if unit and not half and (half := cls.HALF.match(text, stop)):
                values, stop = tuple((value + 0.5, cls.HALF_STEP) for value, _ in values), half.end()
        if sign := cls.CURRENCY_BEFORE.search(before):
            unit = Units.read(sign["unit"])
        below = cls.BELOW_ZERO.match(text, stop)
        stop = below.end() if below else stop
        is_signed = bool(below or cls.MINUS.search(before))
        rough = cls.ROUGH.search(before)
        if unit is None or unit.dimension == "time":
            clock = cls._hour(text, start, end, values)
        return Figure(
            written, start, stop, values, unit, clock, is_signed, (rough.lastgroup or "") if rough else "", is_word
        )

    @classmethod
    def _hour(cls, text: str, start: int, end: int, values: tuple[tuple[float, float], ...]) -> frozenset[int]:
        """The time of day that a number may be: `6 pm`, `18 h`, `half past six`, `las 9`."""
        digits = cls.DOTTED_CLOCK.fullmatch(text[start:end])
        hour = int(digits[1] or digits[3]) if digits else int(values[0][0]) if values else cls.DAY
        if hour > cls.DAY // cls.MINUTES:
            return frozenset()
        before, minute = text[max(0, start - cls.NEAR_CHARS) : start], int(digits[2] or 0) if digits else 0
        past, after = cls.PAST.search(before), cls.PAST_AFTER.match(text, end)
        if past:
            minute = cls.BEFORE_CLOCK[past[1].lower()]
        elif after:
            minute = cls.AFTER_CLOCK[after[1].lower()]
            end = after.end()
        half = cls.HALF_DAY.match(text, end)
        if not (past or after or half or cls.HOURS.match(text, end) or cls.AT_HOUR.search(before)):
            return frozenset()
        return cls._minutes(hour, minute, half, is_short=True)

    @classmethod
    def _joined(cls, text: str, figures: list[Figure]) -> Iterator[Figure]:
        """`figures` with the unit that `2 to 4 days` gives to both, and `8 h 30 min` as one."""
        for at in range(len(figures) - 2, -1, -1):
            one, other = figures[at : at + 2]
            is_year = not one.is_word and one.values and one.values[0][0] in cls.YEARS
            if one.unit is None and other.unit and one.values and not is_year:
                if cls.RANGE.fullmatch(text, one.stop, other.start):
                    figures[at] = one._replace(unit=other.unit)
        part: Figure | None = None
        for figure in figures:
            if part and figure.start < part.stop:  # `million`, `below zero`
                continue
            if part and (whole := cls._whole(text, part, figure)):
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
    def _readings(cls, text: str) -> Iterator[tuple[float, float]]:
        """Every value that a number may mean, and its last place: `1.234` is 1234 or 1.234."""
        digits = "".join(filter(str.isdigit, text))
        marks = [it for it in text if it in ".,"]
        if not marks or cls.THOUSANDS.fullmatch(text):
            yield float(digits), 1.0
        if marks and (len(marks) == 1 or marks[-1] not in marks[:-1]):
            decimals = len(re.split(r"[.,]", text)[-1])
            yield int(digits) / 10**decimals, 10.0**-decimals
