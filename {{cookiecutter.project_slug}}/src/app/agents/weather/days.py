"""Days in a question, in a forecast and in an answer."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal, get_args

from harness import LANGUAGES, Language, Locale, Words

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Day = Literal["today", "tomorrow", "day_after_tomorrow", "weekend", "week"] | Weekday

ORDER: Final[Sequence[Weekday]] = get_args(Weekday)
"""As `date.weekday` counts."""

WEEKEND: Final = frozenset({"saturday", "sunday"})


class Days:
    """Reads which day is meant, picks it from a forecast, and says a date."""

    MEANING: Final[Sequence[tuple[str, Day]]] = (
        (r"day after tomorrow|pasado manana", "day_after_tomorrow"),
        (r"weekend|fin de semana|finde", "weekend"),
        (r"week|semana|(next|coming|few) days|proximos dias", "week"),
        (r"tomorrow|(?<!la )(?<!esta )manana", "tomorrow"),  # "por la mañana" is the morning
        (r"today|tonight|hoy|esta noche", "today"),
    )
    """Patterns over folded words; the first that is found counts."""

    NUMBERS: Final = {Words.strip_accents(it): n for each in LANGUAGES for it, n in Locale.load(each).numbers.items()}
    IN_DAYS: Final = re.compile(r"\b(?:in|dentro de|en) (?P<days>\d+|[a-z]+) (?:days?|dias?)\b(?! time)")
    WEEKDAYS: Final[Mapping[str, Day]] = {
        Words.strip_accents(names[0]): day
        for language in LANGUAGES
        for names, day in zip(Locale.load(language).weekdays, ORDER, strict=True)
    }
    DAY_NAMES: Final = "|".join((*WEEKDAYS, "today", "tomorrow", "hoy", "manana"))
    MONTHS: Final = Locale.numbered(
        *([[Words.strip_accents(name) for name in names] for names in Locale.load(it).months] for it in LANGUAGES),
        start=1,
    )
    DATE: Final = re.compile(
        rf"\b(?:(?P<before>\d\d?)(?:st|nd|rd|th)?(?: of| de)? (?P<month>{'|'.join(MONTHS)})"
        rf"|(?P<other>{'|'.join(MONTHS)})(?: the)? (?P<after>\d\d?)(?:st|nd|rd|th)?)\b(?: (?:de )?(?P<year>\d\d\d\d))?"
    )
    BEYOND: Final = re.compile(
        r"\b(?:yesterday|ago|past|previous|last (?:night|week|\w+day)|weeks|months?|years?|ayer|anteayer|anoche|hace \w+ dias?|pasad[oa]s?(?! manana)"
        r"|semanas|mes|meses|anos?|(?:the |el dia |el )\d+(?:st|nd|rd|th)?$|\d{4} \d\d \d\d|\d\d? \d\d? \d{4})\b"
    )
    """Days that no forecast has, or that are not read."""
    BETWEEN: Final = re.compile(r"([,;]|\b(?:and|or|y|e|o|u|but|pero)\b)", re.IGNORECASE)
    """Between the parts of a question that may name a day each."""
    RANGE: Final = re.compile(rf"\b(?:{DAY_NAMES}) (?:to|until|till|through|a|al|hasta)(?: the| el)? (?:{DAY_NAMES})\b")
    TWO_DATES: Final = re.compile(
        rf"\b\d\d?(?:st|nd|rd|th)? (?:and|or|to|y|o|a|al)(?: the| el)? \d\d?(?:st|nd|rd|th)?(?: of| de)? (?:{'|'.join(MONTHS)})\b"
    )

    @classmethod
    def read(cls, question: str, today: date | None = None) -> Day | None:
        """The day that `question` is about, today when it names none; None for one that no forecast of a week has.

        `today` is the place's, or else ours: a day off where their dates differ.
        """
        text = " ".join(Words.tokenize(question))
        now = today or date.today()
        if cls.BEYOND.search(text) or cls.TWO_DATES.search(text):
            return None
        if ahead := cls.IN_DAYS.search(text):
            days = ahead["days"]
            return cls._ahead(now, int(days) if days.isdigit() else cls.NUMBERS.get(days))
        if named := cls.DATE.search(text):
            return cls._dated(now, named)
        return cls._named(text) or "today"

    @classmethod
    def parts(cls, question: str) -> Sequence[tuple[str, Day | None]]:
        """The days that `question` names, each with its part of it; empty parts where that cannot be told.

        One day where it names no two; of `Monday to Friday` the week.
        """
        text = " ".join(Words.tokenize(question))
        if cls.RANGE.search(text) and cls.read(question):
            return [("", "week")]
        named: list[str] = []
        waiting, is_told = "", True
        for mark, part in zip(*[iter(["", *cls.BETWEEN.split(question)])] * 2, strict=True):
            if cls.is_named(part):
                named.append(f"{waiting}{mark}{part}")
                waiting = ""
            else:  # `Lima, Peru on Friday`; after a day it may be of that one or of the next
                is_told = is_told and not (named and not waiting and mark == ",")
                waiting += mark + part
        days = [(it if is_told and not waiting.strip(" ?!.") else "", cls.read(it)) for it in named]
        return days if len({day for _, day in days}) > 1 else [("", cls.read(question))]

    @classmethod
    def is_named(cls, part: str) -> bool:
        """True where `part` names a day, one that no forecast has too."""
        text = " ".join(Words.tokenize(part))
        return bool(cls.BEYOND.search(text) or cls.IN_DAYS.search(text) or cls.DATE.search(text) or cls._named(text))

    @classmethod
    def _named(cls, text: str) -> Day | None:
        for pattern, day in cls.MEANING:
            if re.search(rf"\b(?:{pattern})\b", text):
                return day
        return next((day for name, day in cls.WEEKDAYS.items() if re.search(rf"\b{name}\b", text)), None)

    @classmethod
    def _dated(cls, today: date, named: re.Match[str]) -> Day | None:
        month, day = cls.MONTHS[named["month"] or named["other"]], int(named["before"] or named["after"])
        year = int(named["year"] or today.year + (month < today.month))
        try:
            return cls._ahead(today, (date(year, month, day) - today).days)
        except ValueError:
            return None

    @staticmethod
    def _ahead(today: date, days: int | None) -> Day | None:
        if days is None or not 0 <= days < len(ORDER):
            return None
        return "today" if days == 0 else ORDER[(today + timedelta(days=days)).weekday()]

    @classmethod
    def pick(cls, day: Day, dates: Sequence[date]) -> list[int]:
        """Which of `dates`, the first of them today, are meant: their positions."""
        match day:
            case "today":
                return [0]
            case "tomorrow":
                return [1]
            case "day_after_tomorrow":
                return [2]
            case "week":
                return list(range(len(dates)))
            case "weekend":
                ahead = [i for i, each in enumerate(dates) if ORDER[each.weekday()] in WEEKEND]
                return [i for i in ahead if i - ahead[0] <= 1]  # a Sunday's weekend is today
        return [[ORDER[each.weekday()] for each in dates].index(day)]

    @staticmethod
    def say(each: date, language: Language) -> str:
        """`Monday 23 November`, `lunes 23 de noviembre`."""
        of = " de " if language == "es" else " "
        locale = Locale.load(language)
        weekday, month = locale.weekdays[each.weekday()][0], locale.months[each.month - 1][0]
        return f"{weekday} {each.day}{of}{month}"
