"""Days in a question, in a forecast and in an answer."""

import re
from collections.abc import Sequence
from datetime import date
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
    )
    """Patterns over folded words; the first that is found counts."""

    @classmethod
    def read(cls, question: str) -> Day:
        """The day that `question` is about, today when it names none."""
        text = " ".join(Words.tokenize(question))
        for pattern, day in cls.MEANING:
            if re.search(rf"\b(?:{pattern})\b", text):
                return day
        for language in LANGUAGES:
            for names, day in zip(Locale.load(language).weekdays, ORDER, strict=True):
                if re.search(rf"\b{Words.strip_accents(names[0])}\b", text):
                    return day
        return "today"

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
