"""Days, months and weekdays of an answer, in words, that the facts of its turn do not have."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property
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
    SLASHED: Final = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d\d))?(?!\d)")
    NEAR_CHARS: Final = 30
    """How far from a month its days may stand: `from 3 to 5 and on 7 March`. A guess."""

    def __init__(self, evidence: str) -> None:
        self._evidence = evidence

    def unsupported(self, answer: str) -> Iterator[str]:
        """The dates of `answer` that the evidence does not have, as written."""
        words = frozenset(self.WORD.findall(answer))
        if not words.isdisjoint(self.MONTHS):
            yield from self._unsupported_months(answer)
        for word in words & self.WEEKDAYS.keys():
            number = self.WEEKDAYS[word]
            is_known = number in self._weekdays or number in self._weekdays_in_words
            if not is_known and f"Santo {word}" not in answer:  # Santo Domingo
                yield word

    def _unsupported_months(self, answer: str) -> Iterator[str]:
        for mention in self.MENTION.finditer(answer):
            month = self.MONTHS[mention["month"]]
            if day := mention["before"] or mention["after"]:
                if (self._day(day), month) not in self._days:
                    yield mention[0].removeprefix(mention["alone"] or "").lstrip()
            elif (mention["alone"] or mention["year"]) and month not in self._months:
                yield mention["month"]

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
