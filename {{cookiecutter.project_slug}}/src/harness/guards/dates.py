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
                "January Jan enero Enero ene",
                "February Feb febrero Febrero feb",
                "March Mar marzo Marzo mar",
                "April Apr abril Abril abr",
                "May mayo Mayo",
                "June Jun junio Junio jun",
                "July Jul julio Julio jul",
                "August Aug agosto Agosto ago",
                "September Sept Sep septiembre Septiembre setiembre sept sep",
                "October Oct octubre Octubre oct",
                "November Nov noviembre Noviembre nov",
                "December Dec diciembre Diciembre dic",
            ),
            start=1,
        )
        for name in names.split()
    }
    """English names have a capital, so that `may` and `march` are no months."""

    WEEKDAYS: Final[Mapping[str, int]] = {
        name + plural: number
        for number, names in enumerate(
            (
                "Monday lunes Lunes",
                "Tuesday martes Martes",
                "Wednesday miércoles Miércoles",
                "Thursday jueves Jueves",
                "Friday viernes Viernes",
                "Saturday sábado Sábado",
                "Sunday domingo Domingo",
            )
        )
        for name in names.split()
        for plural in ("", "s")
    }
    """As `date.weekday` counts."""

    NAMES: Final = MONTHS.keys() | WEEKDAYS.keys()

    SHORT: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

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

    WORD: Final = re.compile(r"[^\W\d_]+")
    DAY: Final = re.compile(r"(?:\S*[^\w.,:/])?(\d{1,2})(?:st|nd|rd|th|º|\.º)?")
    OF: Final = frozenset({"de", "of"})
    DAY_AFTER: Final = re.compile(
        r"\.?\s+(?:the\s+|el\s+)?(?:(\d{1,2})(?:st|nd|rd|th|º)?|([a-z]{3,}(?:-[a-z]+)?))"
        r"(?![^\W_]|[.,:/]?\d|\s*%)"
    )
    ALONE_BEFORE: Final = re.compile(
        r"(?<![^\W_])(?:in|of|since|until|by|last|next|this|from|en|de|desde|hasta|para|este|pasado"
        r"|próximo|mes)\s+\Z",
        re.IGNORECASE,
    )
    YEAR_AFTER: Final = re.compile(r"(?:\s+de|,)?\s+\d{4}")

    NUMERIC: Final = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
    SLASHED: Final = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d\d))?(?!\d)")
    NEAR_CHARS: Final = 30
    """How far from a month its days may stand: `from 3 to 5 and on 7 March`. A guess."""

    def __init__(self, evidence: str) -> None:
        """Hold what `evidence` says, one text of everything."""
        self._evidence = evidence

    def unsupported(self, answer: str) -> list[str]:
        """The dates of `answer` that the evidence does not have, as written."""
        found: list[str] = []
        for match in self.WORD.finditer(answer):
            word = match[0]
            if word in self.MONTHS:
                found += self._of_month(answer, match, self.MONTHS[word])
            elif word in self.WEEKDAYS and not self._has_weekday(self.WEEKDAYS[word]):
                is_a_name = answer[: match.start()].endswith("Santo ")
                found += [] if is_a_name else [word]
        return found

    def _of_month(self, answer: str, name: re.Match[str], month: int) -> Iterator[str]:
        """The date around the name of a month, unless the evidence has it."""
        start, end = name.span()
        before = answer[max(0, start - self.NEAR_CHARS) : start].split()
        if len(before) > 1 and before[-1] in self.OF:
            before.pop()
        day = self._day_in(before[-1]) if before else None
        if day is not None:
            if (day, month) not in self._days:
                yield f"{before[-1]} {name[0]}"
            return
        if (after := self.DAY_AFTER.match(answer, end)) and (day := self._day(after)) is not None:
            if (day, month) not in self._days:
                yield answer[start : after.end()]
            return
        is_meant = self.ALONE_BEFORE.search(answer, max(0, start - self.NEAR_CHARS), start)
        if (is_meant or self.YEAR_AFTER.match(answer, end)) and month not in self._months:
            yield name[0]

    @classmethod
    def _day_in(cls, word: str) -> int | None:
        """The day that `22`, `22nd`, `(22` or `twenty-second` says."""
        match = cls.DAY.fullmatch(word)
        return int(match[1]) if match else cls.ORDINALS.get(word.lower())

    @classmethod
    def _day(cls, match: re.Match[str]) -> int | None:
        return int(match[1]) if match[1] else cls.ORDINALS.get(match[2].lower())

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.WORD.findall(self._evidence))

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
        names = () if self._words.isdisjoint(self.MONTHS) else self.WORD.finditer(self._evidence)
        for name in names:
            if name[0] not in self.MONTHS:
                continue
            start, end = max(0, name.start() - self.NEAR_CHARS), name.end() + self.NEAR_CHARS
            near = self._evidence[start:end]
            for day in re.findall(r"(?<!\d)\d{1,2}(?!\d)", near):
                yield int(day), self.MONTHS[name[0]]
            for word in re.findall(r"[\w-]+", near):
                if word.lower() in self.ORDINALS:
                    yield self.ORDINALS[word.lower()], self.MONTHS[name[0]]

    @cached_property
    def _months(self) -> frozenset[int]:
        named = {self.MONTHS[it] for it in self._words & self.MONTHS.keys()}
        short = {int(it) for it in re.findall(r"(?<!\d)\d{4}-(\d\d)(?!\d)", self._evidence)}
        return frozenset(named | short | {month for _, month in self._days})

    def _has_weekday(self, day: int) -> bool:
        """True for a weekday that the evidence names, has a date of, or stands for; dear ones last."""
        return day in self._named or day in self._dated or day in self._meant

    @cached_property
    def _named(self) -> frozenset[int]:
        long = {self.WEEKDAYS[it] for it in self._words & self.WEEKDAYS.keys()}
        short = {number for number, it in enumerate(self.SHORT) if it in self._words}
        return frozenset(long | short)

    @cached_property
    def _dated(self) -> frozenset[int]:
        return frozenset(self._dated_weekdays())

    def _dated_weekdays(self) -> Iterator[int]:
        years = {int(it) for it in re.findall(r"(?<!\d)[12]\d{3}(?!\d)", self._evidence)}
        for day, month in self._days:
            for year in years:
                try:
                    yield date(year, month, day).weekday()
                except ValueError:
                    continue

    @cached_property
    def _meant(self) -> frozenset[int]:
        """Weekdays in small letters, those between two, and those of words such as `weekend`."""
        folded = " ".join(Words.tokenize(self._evidence))
        numbers = {Words.strip_accents(name): number for name, number in self.WEEKDAYS.items()}
        names = "|".join(numbers)
        known = {numbers[it] for it in re.findall(rf"\b({names})\b", folded)}
        for first, last in re.findall(rf"\b({names}) (?:to|through|a|al) ({names})\b", folded):
            span = (numbers[last] - numbers[first]) % len(self.SHORT)
            known |= {(numbers[first] + step) % len(self.SHORT) for step in range(span + 1)}
        for words, days in self.MANY_DAYS.items():
            if re.search(rf"\b(?:{words})\b", folded):
                known |= days
        return frozenset(known)
