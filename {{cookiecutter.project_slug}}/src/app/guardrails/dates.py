"""Dates in words: each day, month and weekday that an answer names stands in this turn's facts."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Final

from ..prompts.language import Words


class Dates:
    """Reads them in English and Spanish. Numbers alone, such as 3/4, are the figures' business."""

    MONTHS: Final[Mapping[str, int]] = {
        name: number
        for number, names in enumerate(
            (
                "January Jan enero ene",
                "February Feb febrero feb",
                "March Mar marzo mar",
                "April Apr abril abr",
                "May mayo",
                "June Jun junio jun",
                "July Jul julio jul",
                "August Aug agosto ago",
                "September Sept Sep septiembre setiembre sept sep",
                "October Oct octubre oct",
                "November Nov noviembre nov",
                "December Dec diciembre dic",
            ),
            start=1,
        )
        for name in names.split()
    }
    """English names have a capital, so that `may` and `march` are no months."""

    WEEKDAYS: Final[Mapping[str, int]] = {
        name: number
        for number, names in enumerate(
            (
                "monday lunes",
                "tuesday martes",
                "wednesday miercoles",
                "thursday jueves",
                "friday viernes",
                "saturday sabado",
                "sunday domingo",
            )
        )
        for name in names.split()
    }
    """Folded name -> as `date.weekday` counts."""

    MANY_DAYS: Final[Mapping[str, frozenset[int]]] = {
        r"weekend|fin(?:es)? de semana|finde": frozenset({5, 6}),
        r"weekdays?|working days?|business days?|entre semana|(?:dias? )?laborables?|dias? habil(?:es)?": (
            frozenset(range(5))
        ),
        r"every day|daily|todos los dias|cada dia|a diario|(?:whole|all|this|next) week"
        r"|(?:esta|proxima|toda la) semana": frozenset(range(7)),
    }
    """Folded words that stand for several weekdays."""

    ORDINALS: Final[Mapping[str, int]] = {
        word: number
        for number, words in enumerate(
            (
                "first primero uno,second dos,third tres,fourth cuatro,fifth cinco,sixth seis,seventh siete,"
                "eighth ocho,ninth nueve,tenth diez,eleventh once,twelfth doce,thirteenth trece,"
                "fourteenth catorce,fifteenth quince,sixteenth dieciséis,seventeenth diecisiete,"
                "eighteenth dieciocho,nineteenth diecinueve,twentieth veinte,twenty-first veintiuno,"
                "twenty-second veintidós,twenty-third veintitrés,twenty-fourth veinticuatro,"
                "twenty-fifth veinticinco,twenty-sixth veintiséis,twenty-seventh veintisiete,"
                "twenty-eighth veintiocho,twenty-ninth veintinueve,thirtieth treinta,thirty-first"
            ).split(","),
            start=1,
        )
        for word in words.split()
    }

    MONTH: Final = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")(?![^\W\d_])"
    DAY: Final = (
        r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|º|\.º)?|(?P<word>"
        + "|".join(sorted(ORDINALS, key=len, reverse=True))
        + "))"
    )
    OF_A_MONTH: Final = re.compile(
        rf"(?<![^\W_])(?<!\d[.,:/])(?:{DAY}\s+(?:de\s+|of\s+|del?\s+mes\s+de\s+)?{MONTH})"
    )
    MONTH_FIRST: Final = re.compile(
        rf"(?<![^\W_]){MONTH}\.?\s+(?:the\s+|el\s+)?{DAY}(?![^\W_]|[.,:/]?\d|\s*%)"
    )
    MONTH_ALONE: Final = re.compile(
        r"(?<![^\W_])(?:in|of|since|until|by|last|next|this|from|en|de|desde|hasta|para|este|pasado"
        r"|próximo|mes)\s+" + MONTH + r"(?!\s+\d)"
        "|" + r"(?<![^\W_])" + MONTH.replace("month", "year_s") + r"(?:\s+de|,)?(?=\s+\d{4})"
    )
    WEEKDAY: Final = re.compile(
        r"(?<!Santo )(?<![^\W_])(?P<name>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?=s?(?![^\W_]))"
        r"|(?:[Ll]unes|[Mm]artes|[Mm]i[ée]rcoles|[Jj]ueves|[Vv]iernes|[Ss][áa]bado|[Dd]omingo)"
        r"(?=s?(?![^\W_])))"
    )

    NUMERIC: Final = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
    SLASHED: Final = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d\d))?(?!\d)")
    NEAR_CHARS: Final = 30
    """How far from a month its days may stand: `from 3 to 5 and on 7 March`. A guess."""

    def __init__(self, evidence: str) -> None:
        """Hold what `evidence` says, one text of everything."""
        self._evidence = evidence

    def unsupported(self, answer: str) -> list[str]:
        """The dates of `answer` that the evidence does not have, as written."""
        found = [
            match[0]
            for pattern in (self.OF_A_MONTH, self.MONTH_FIRST)
            for match in pattern.finditer(answer)
            if (self._day(match), self.MONTHS[match["month"]]) not in self._days
        ]
        for match in self.MONTH_ALONE.finditer(answer):
            name = match["month"] or match["year_s"]
            if self.MONTHS[name] not in self._months:
                found.append(name)
        for match in self.WEEKDAY.finditer(answer):
            if self.WEEKDAYS[Words.fold(match["name"])] not in self._weekdays:
                found.append(match["name"])
        return found

    @classmethod
    def _day(cls, match: re.Match[str]) -> int:
        return int(match["day"]) if match["day"] else cls.ORDINALS[match["word"]]

    @cached_property
    def _days(self) -> frozenset[tuple[int, int]]:
        """Every (day, month) that the evidence may mean: `3/4` is two of them."""
        return frozenset(self._read_days())

    def _read_days(self) -> Iterator[tuple[int, int]]:
        for _, month, day in self.NUMERIC.findall(self._evidence):
            yield int(day), int(month)
        for one, _, other, _ in self.SLASHED.findall(self._evidence):
            yield int(one), int(other)
            yield int(other), int(one)
        for month in re.finditer(rf"(?<![^\W_]){self.MONTH}", self._evidence):
            start, end = max(0, month.start() - self.NEAR_CHARS), month.end() + self.NEAR_CHARS
            near = self._evidence[start:end]
            for day in re.findall(r"(?<!\d)\d{1,2}(?!\d)", near):
                yield int(day), self.MONTHS[month["month"]]
            for word in re.findall(r"[\w-]+", near):
                if word in self.ORDINALS:
                    yield self.ORDINALS[word], self.MONTHS[month["month"]]

    @cached_property
    def _months(self) -> frozenset[int]:
        named = re.findall(rf"(?<![^\W_]){self.MONTH}", self._evidence)
        numeric = {month for _, month in self._days}
        short = {int(it) for it in re.findall(r"(?<!\d)\d{4}-(\d\d)(?!\d)", self._evidence)}
        return frozenset({self.MONTHS[name] for name in named} | numeric | short)

    @cached_property
    def _weekdays(self) -> frozenset[int]:
        """Weekdays that the evidence names, stands for, or has a date of."""
        folded = " ".join(Words.of(self._evidence))
        names = "|".join(self.WEEKDAYS)
        known = {self.WEEKDAYS[it] for it in re.findall(rf"\b({names})s?\b", folded)}
        short = re.findall(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", self._evidence)
        known |= {"Mon Tue Wed Thu Fri Sat Sun".split().index(it) for it in short}
        for first, last in re.findall(rf"\b({names})s? (?:to|through|a|al) ({names})\b", folded):
            span = self.WEEKDAYS[last] - self.WEEKDAYS[first]
            known |= {(self.WEEKDAYS[first] + step) % 7 for step in range(span % 7 + 1)}
        for words, days in self.MANY_DAYS.items():
            if re.search(rf"\b(?:{words})\b", folded):
                known |= days
        return frozenset(known | set(self._dated_weekdays()))

    def _dated_weekdays(self) -> Iterator[int]:
        years = [int(it) for it in re.findall(r"(?<!\d)[12]\d{3}(?!\d)", self._evidence)]
        for day, month in self._days:
            for year in frozenset(years):
                try:
                    yield date(year, month, day).weekday()
                except ValueError:
                    continue
