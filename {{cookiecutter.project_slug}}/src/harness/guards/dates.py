"""Days, months and weekdays of an answer, in words, that the facts of its turn do not have."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from itertools import product
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import LANGUAGES, Words


class Dates:
    """Compares dates by month and day. Numbers alone, such as 3/4, are the figures' business."""

    LOCALES: Final = tuple(map(Locale.load, LANGUAGES))

    MONTHS: Final = Locale.numbered(*(it.months for it in LOCALES), start=1)
    """English names have a capital, so that `may` and `march` are no months."""

    WEEKDAYS: Final = Locale.numbered(*(it.weekdays for it in LOCALES))
    """As `date.weekday` counts."""

    FOLDED_WEEKDAYS: Final = tuple(
        {Locale.fold(name) for names in same for name in names}
        for same in zip(*(it.weekdays for it in LOCALES), strict=True)
    )

    NAMES: Final = MONTHS.keys() | WEEKDAYS.keys()

    SHORT: Final = Locale.numbered(*(it.weekdays_short for it in LOCALES))
    """Those of facts only: an answer's `Sun` may be one that shines."""

    ORDINALS: Final = Locale.numbered(*(it.days for it in LOCALES), start=1)

    SIGNS: Final = Locale.pattern(*(it.ordinal_signs for it in LOCALES))
    DAY: Final = rf"(?:\d\d?(?:{SIGNS})?|(?i:{Locale.pattern(ORDINALS)}))"
    LINK: Final = Locale.pattern(*(it.link for it in LOCALES))
    ARTICLE: Final = Locale.pattern(*(it.article for it in LOCALES))
    ALONE: Final = Locale.pattern(*(it.before_month for it in LOCALES))
    MENTION: Final = re.compile(
        rf"""
        (?: (?<![\w.,:/]) (?P<before>{DAY}) \s+ (?:(?:{LINK})\s+)?
          | (?<![^\W_]) (?P<alone>(?i:{ALONE}))\s+ )?
        (?<![^\W\d_]) (?P<month>{Locale.pattern(MONTHS)}) (?![^\W\d_])
        (?(before) | (?: \.?\s+ (?:(?:{ARTICLE})\s+)? (?P<after>{DAY}) (?![^\W_]|[.,:/]?\d|\s*%) )? )
        (?P<year>(?:\s+(?:{LINK})|,)?\s+\d\d\d\d)?
        """,
        re.VERBOSE,
    )
    """A month's name with what tells a date from any other word: a day, `in`, a year."""

    WORD: Final = re.compile(r"[^\W\d_]+")
    NUMERIC: Final = re.compile(r"(?<!\d)(\d{4})-(\d\d)(?:-(\d\d))?(?!\d)")
    SLASHED: Final = re.compile(r"(?<![\d.,/-])(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d\d))?(?!\d)")
    FULL: Final = re.compile(
        r"(?<![\d.,/-])(?:(?P<y>[12]\d{3})-(?P<m>\d\d)(?:-(?P<d>\d\d))?|(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)"
        r"(?P<z>\d{4}|\d\d))(?![\d/]|[.-]\d)"
    )
    """A whole date in digits: one thing, of which no part is right alone."""
    CENTURY: Final = 2000
    EARLIER_DAYS: Final = re.compile(
        rf"(?<![\w.,:/])(?:\d\d?(?:{SIGNS})?\s?(?:,|[-\u2013]|{Locale.pattern(*(it.range for it in LOCALES))}|&|and|or|y|o|e)"
        rf"\s?(?:(?:{ARTICLE})\s)?)+\Z"
    )
    """`22 and ` before `23 November`."""
    CONNECTORS: Final = frozenset(("&", "and", "or", "y", "o", "e", *(word for it in LOCALES for word in it.range)))
    CONNECTING: Final = ",-\u2013"
    LATER_DAYS: Final = re.compile(r"(?:\s?(?:,|[-\u2013]|to|and|through|&)\s?\d{1,2}(?!\d|\s?%|[.,:]\d))+")
    """`-24` after `November 22`."""
    WEEKDAY_BEFORE: Final = re.compile(
        rf"(?<![^\W\d_])(?P<name>{Locale.pattern(WEEKDAYS)}),?\s(?:(?:{ARTICLE}|{LINK}|día|dia)\s)?\Z"
    )
    NEAR_CHARS: Final = 30
    """How far from a month its days may stand: `from 3 to 5 and on 7 March`. A guess."""

    def __init__(self, evidence: str) -> None:
        self._evidence = evidence

    def unsupported(self, answer: str) -> Iterator[str]:
        """The dates of `answer` that the evidence does not have, as written."""
        if self.may_be_whole(answer):
            yield from (it[0] for it in self.FULL.finditer(answer) if not self._has_date(it))
        words = frozenset(self.WORD.findall(answer))
        if not words.isdisjoint(self.MONTHS):
            yield from self._unsupported_months(answer)
        for word in words & self.WEEKDAYS.keys():
            number = self.WEEKDAYS[word]
            is_known = number in self._weekdays or number in self._weekdays_in_words
            if not is_known and f"Santo {word}" not in answer:  # Santo Domingo
                yield word

    @classmethod
    def spans(cls, text: str) -> Iterator[tuple[int, int]]:
        """Where whole dates stand in `text`, whose digits are no figures of their own."""
        if cls.may_be_whole(text):
            yield from (it.span() for it in cls.FULL.finditer(text))
        for mention in cls._mentions(text):
            if mention["before"] or mention["after"] or mention["year"]:
                earlier, later = cls._days_beside(text, mention)
                start = earlier.start() if earlier else mention.start()
                yield start, later.end() if later else mention.end()

    DIVIDED: Final = re.compile(r"\d[-/.]\d")

    @classmethod
    def may_be_whole(cls, text: str) -> bool:
        """False where no whole date in digits is in `text`."""
        return cls.DIVIDED.search(text) is not None

    @classmethod
    def weekdays_in(cls, text: str) -> Iterator[str]:
        """What the weekday of a whole date in digits is called, folded."""
        for year, month, day in (it for match in cls.FULL.finditer(text) for it in cls._read(match)):
            if cls._exists(year, month, day):
                yield from cls.FOLDED_WEEKDAYS[date(year, month, day).weekday()]

    @classmethod
    @lru_cache(maxsize=8)
    def _mentions(cls, text: str) -> Sequence[re.Match[str]]:
        """The months of `text` with their days; of an answer, which is looked at several times, read once."""
        return [*cls.MENTION.finditer(text)] if not cls.MONTHS.keys().isdisjoint(cls.WORD.findall(text)) else ()

    def _unsupported_months(self, answer: str) -> Iterator[str]:
        for mention in self._mentions(answer):
            month, written = self.MONTHS[mention["month"]], mention[0].removeprefix(mention["alone"] or "").lstrip()
            year = self._year(mention)
            if day := mention["before"] or mention["after"]:
                earlier, later = self._days_beside(answer, mention)
                beside = re.findall(r"\d+", f"{earlier[0] if earlier else ''} {later[0] if later else ''}")
                days = {self._day(day), *map(int, beside)}
                if not all((it, month) in self._days and self._has_year(it, month, year) for it in days):
                    yield written
                elif name := self.WEEKDAY_BEFORE.search(
                    answer, max(0, mention.start() - self.NEAR_CHARS), mention.start()
                ):
                    possible = self._weekdays_of(self._day(day), month, year)
                    if possible and self.WEEKDAYS[name["name"]] not in possible:
                        yield f"{name['name']} {written}"
            elif (mention["alone"] or mention["year"]) and (
                month not in self._months or not self._has_year(0, month, year)
            ):
                yield mention["month"]

    @classmethod
    def _days_beside(cls, text: str, mention: re.Match[str]) -> tuple[re.Match[str] | None, re.Match[str] | None]:
        """The other days of `22 and 23 November`, `November 22-24`."""
        near = max(0, mention.start() - cls.NEAR_CHARS)
        last = text[near : mention.start()].rstrip().rpartition(" ")[2] if mention["before"] else ""
        may_be = last and (last in cls.CONNECTORS or last[-1] in cls.CONNECTING)
        earlier = cls.EARLIER_DAYS.search(text, near, mention.start()) if may_be else None
        later = cls.LATER_DAYS.match(text, mention.end()) if mention["after"] and not mention["year"] else None
        return earlier, later

    def _has_date(self, match: re.Match[str]) -> bool:
        return any(
            ((day, month) in self._days if day else month in self._months) and self._has_year(day, month, year)
            for year, month, day in self._read(match)
        )

    @classmethod
    def _read(cls, match: re.Match[str]) -> Iterator[tuple[int, int, int]]:
        """Every (year, month, day) that a whole date may be; 0 for a day that it does not tell."""
        if match["y"]:
            yield int(match["y"]), int(match["m"]), int(match["d"] or 0)
            return
        one, other, year = int(match["a"]), int(match["b"]), int(match["z"])
        year += cls.CENTURY if len(match["z"]) == 2 else 0
        yield year, other, one
        yield year, one, other

    def has_pair(self, text: str, at: int) -> bool:
        """True where the day and month in digits around `at` are of the evidence: `3/4` is two dates."""
        for match in self.SLASHED.finditer(text, max(0, at - len("31/")), at + len("31/12")):
            one, other = int(match[1]), int(match[3])
            if match.start() <= at < match.end() and not self._days.isdisjoint({(one, other), (other, one)}):
                return True
        return False

    @staticmethod
    def _year(mention: re.Match[str]) -> int | None:
        return int("".join(filter(str.isdigit, mention["year"]))) if mention["year"] else None

    def _has_year(self, day: int, month: int, year: int | None) -> bool:
        """False where the evidence has years for this date, and only others."""
        known = (
            self._years.get((day, month))
            if day
            else {y for (_, m), ys in self._years.items() if m == month for y in ys}
        )
        return year is None or not known or year in known

    @cached_property
    def _years(self) -> Mapping[tuple[int, int], frozenset[int]]:
        """Day and month -> the years that the evidence gives them."""
        years: dict[tuple[int, int], frozenset[int]] = {}
        for match in self.FULL.finditer(self._evidence):
            for year, month, day in self._read(match):
                years[day, month] = years.get((day, month), frozenset()) | {year}
        for mention in self._mentions(self._evidence):
            if (written := mention["before"] or mention["after"]) and mention["year"]:
                key = self._day(written), self.MONTHS[mention["month"]]
                years[key] = years.get(key, frozenset()) | {self._year(mention) or 0}
        return years

    def _weekdays_of(self, day: int, month: int, year: int | None) -> frozenset[int]:
        """The weekdays that this date may be; empty where no year is known."""
        years = {year} if year else self._years.get((day, month), frozenset())
        return frozenset(date(it, month, day).weekday() for it in years if self._exists(it, month, day))

    @classmethod
    def _exists(cls, year: int, month: int, day: int) -> bool:
        return 1 <= month <= len(cls.LOCALES[0].months) and 1 <= day <= monthrange(year, month)[1]

    @cached_property
    def years(self) -> frozenset[int]:
        """The years of the dates of the evidence."""
        return frozenset(year for years in self._years.values() for year in years)

    @property
    def parts(self) -> frozenset[int]:
        """Every day, month and year of them: of a date in a language whose months are not known."""
        return frozenset((*self.years, *(it for both in self._days for it in both)))

    @property
    def days(self) -> frozenset[int]:
        """The days of the month that the evidence may mean."""
        return frozenset(day for day, _ in self._days)

    @classmethod
    def _day(cls, written: str) -> int:
        """The day that `22nd` or `twenty-second` says."""
        digits = re.match(r"\d+", written)
        return int(digits[0]) if digits else cls.ORDINALS[written.lower()]

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.WORD.findall(self._evidence))

    @cached_property
    def _days(self) -> frozenset[tuple[int, int]]:
        """Every (day, month) that the evidence may mean: `3/4` is two of them."""
        return frozenset(self._read_days())

    def _read_days(self) -> Iterator[tuple[int, int]]:
        for _, month, day in self.NUMERIC.findall(self._evidence):
            yield int(day or 0), int(month)
        for one, _, other, _ in self.SLASHED.findall(self._evidence):
            yield int(one), int(other)
            yield int(other), int(one)
        names = () if self._words.isdisjoint(self.MONTHS) else self.WORD.finditer(self._evidence)
        for name in names:
            if month := self.MONTHS.get(name[0]):
                start, end = max(0, name.start() - self.NEAR_CHARS), name.end() + self.NEAR_CHARS
                near = self._evidence[start:end]
                yield 0, month
                yield from ((int(day), month) for day in re.findall(r"(?<!\d)\d{1,2}(?!\d)", near))
                ordinals = map(self.ORDINALS.get, re.findall(r"[\w-]+", near.lower()))
                yield from ((day, month) for day in ordinals if day)

    @cached_property
    def _months(self) -> frozenset[int]:
        return frozenset(month for _, month in self._days)

    @cached_property
    def _weekdays(self) -> frozenset[int]:
        """Those that the evidence names or has a date of."""
        names = {**self.WEEKDAYS, **self.SHORT}
        return frozenset((*(names[it] for it in self._words & names.keys()), *self._dated()))

    def _dated(self) -> Iterator[int]:
        years = {int(it) for it in re.findall(r"(?<!\d)[12]\d{3}(?!\d)", self._evidence)}
        for (day, month), year in product(self._days, years):
            try:
                yield date(year, month, day).weekday()
            except ValueError:
                continue

    @cached_property
    def _weekdays_in_words(self) -> frozenset[int]:
        """Weekdays in small letters, those between two, and those of words such as `weekend`."""
        folded = " ".join(Words.tokenize(self._evidence))
        numbers = {Words.strip_accents(name): number for name, number in self.WEEKDAYS.items()}
        names = "|".join(numbers)
        to = Locale.pattern(*(it.range for it in self.LOCALES))
        days = {numbers[it] for it in re.findall(rf"\b({names})\b", folded)}
        for first, last in re.findall(rf"\b({names}) (?:{to}) ({names})\b", folded):
            span = (numbers[last] - numbers[first]) % 7
            days |= {(numbers[first] + step) % 7 for step in range(span + 1)}
        for meant, words in (row for locale in self.LOCALES for row in locale.many_days.items()):
            if re.search(rf"\b(?:{words})\b", folded):
                days |= set(map(int, meant))
        return frozenset(days)
