"""Times of day as people write and say them: `18:00`, `6 pm`, `half past six`, `las siete y cinco`."""

import re
from collections.abc import Sequence
from typing import Final

from ..locale.locale import Locale


class Clock:
    """Reads times of day as minutes since midnight."""

    WRITTEN: Final = re.compile(
        r"(?<![\d.,:])(?P<h>\d{1,2})"
        r"(?::(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,]\d+)?)?|\s?h\s?(?P<hm>[0-5]\d)(?:\s?m(?:in)?)?\b)(?!\d|:\d)"
    )
    """With minutes: `18:00`, `1:38:04`, `8h30`, `2h 27m`."""
    PAST: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_past"))}
    """Between minutes and their hour: `past`, `to`."""
    LACKS: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_lacks"))}
    """Between an hour and its minutes: `menos`."""
    DOTTED: Final = re.compile(r"(\d{1,2})[.]([0-5]\d)|(\d{1,2})")
    HALF_DAY: Final = re.compile(
        rf"\s?(?:(?P<am>{Locale.pattern(Locale.beside_figures('am'))})"
        rf"|(?P<pm>{Locale.pattern(Locale.beside_figures('pm'))}))(?!\w)",
        re.IGNORECASE,
    )
    BEFORE: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_before"))}
    AFTER: Final = {k: int(v) for k, _, v in (it.partition("=") for it in Locale.beside_figures("clock_after"))}
    AFTERWARDS: Final = re.compile(rf"\s?({Locale.pattern(AFTER)})(?!\w)", re.IGNORECASE)
    AT_HOUR: Final = frozenset(Locale.beside_figures("at_hour"))
    HOURS: Final = re.compile(r"\s?(?:h|hs|hrs)\b\.?")
    HOUR: Final = 60
    """Minutes."""
    NOON: Final = 720
    DAY: Final = 1440
    LAST_HOUR: Final = 24
    LAST_WORDS: Final = 3
    """What is split off before a number: `half`, `past`, and what is glued to it."""
    EVENING: Final = 600
    """From this minute on an hour in two digits may be of the evening: `10:30`."""

    @classmethod
    def minutes(cls, text: str, end: int, hour: int, minute: int, *, is_short: bool = True) -> frozenset[int]:
        """What `hour` and `minute`, which end at `end`, may mean: without `am` and `pm` an hour up to 12 is of either half."""
        at = hour * cls.HOUR + minute
        if at > cls.DAY:
            return frozenset()
        if half := cls.HALF_DAY.match(text, end):
            return frozenset({at % cls.NOON + (cls.NOON if half["pm"] else 0)})
        at %= cls.DAY
        is_open = at < cls.NOON + cls.HOUR and (is_short or at >= cls.EVENING)
        return frozenset({at, (at + cls.NOON) % cls.DAY}) if is_open else frozenset({at})

    @classmethod
    def is_said(cls, text: str, end: int, lead: Sequence[str]) -> bool:
        """True for an hour that can be nothing else: `half past six`, `six o'clock`."""
        return " ".join(lead[-cls.LAST_WORDS : -1]) in cls.BEFORE or cls.AFTERWARDS.match(text, end) is not None

    @classmethod
    def told(cls, text: str, gap: str, one: tuple[float, int], other: tuple[float, int]) -> frozenset[int]:
        """What two numbers with a `gap` between them, and where each ends, may mean: `five past seven`, `ocho menos veinte`."""
        word = gap.strip().lower()
        (minute, _), (hour, end), sign = one, other, cls.PAST.get(word, 0)
        if word in cls.LACKS:
            (hour, _), (minute, end), sign = one, other, cls.LACKS[word]
        if not (sign and 0 < hour <= cls.LAST_HOUR // 2 and 0 < minute < cls.HOUR / 2 and hour == int(hour)):
            return frozenset()
        return cls.minutes(text, end, int(hour), sign * int(minute))

    @classmethod
    def hour(cls, text: str, span: tuple[int, int], value: float, lead: Sequence[str]) -> frozenset[int]:
        """The time of day that a number at `span` after the words `lead` may be: `6 pm`, `18 h`, `half past six`, `las 9`."""
        if not value < cls.LAST_HOUR + 1:
            return frozenset()
        digits = cls.DOTTED.fullmatch(text, *span)
        hour, minute = (int(digits[1] or digits[3]), int(digits[2] or 0)) if digits else (int(value), 0)
        end, past, after = span[1], " ".join(lead[-cls.LAST_WORDS : -1]), cls.AFTERWARDS.match(text, span[1])
        is_time = past in cls.BEFORE or bool(after) or (len(lead) > 1 and lead[-2] in cls.AT_HOUR)
        if past in cls.BEFORE:
            minute = cls.BEFORE[past]
        elif after:
            minute, end = cls.AFTER[after[1].lower()], after.end()
        if is_time or cls.HALF_DAY.match(text, end) or cls.HOURS.match(text, end):
            return cls.minutes(text, end, hour, minute)
        return frozenset()
