"""Numbers in words: `thirty-one`, `dos mil trescientos`."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from ..locale.locale import Locale
from ..prompts.language import Language
from .dates import Dates

_VALUES: Final = {word: value for locale in Dates.LOCALES for word, value in locale.numbers.items()}
_SCALE: Final = 1000
_SCALES: Final = Locale.pattern(word for word, value in _VALUES.items() if value >= _SCALE)


class NumberWords:
    """Adds up words by how large they are, in every language that has them as data."""

    VALUES: Final = _VALUES
    FOLDED: Final = frozenset(map(Locale.fold, VALUES))
    SCALE: Final = _SCALE
    """From this value on a word multiplies what stands before it."""
    HUNDRED: Final = 100

    @classmethod
    @lru_cache
    def run(cls, language: Language | None = None) -> re.Pattern[str]:
        """Finds words of numbers, which may be several: of `language`, of any without one. In English `once` is no 11."""
        one = Locale.pattern((language and Locale.load(language).numbers) or cls.VALUES)
        return re.compile(rf"(?<![\w-])(?:{one})(?:(?:[\s-]+|\s+(?:and|y)\s+)(?:{one}))*(?!\w|-\w)", re.IGNORECASE)

    SCALED: Final = re.compile(rf"[\s\u00a0]?(?:{_SCALES})(?:\s(?:{_SCALES}))?(?!\w)", re.IGNORECASE)
    """After digits: ` million`, `bn`."""
    SCALE_LETTERS: Final = frozenset(
        letter for word, value in _VALUES.items() if value >= _SCALE for letter in (word[0], word[0].upper())
    )

    @classmethod
    def numbers(cls, run: re.Match[str]) -> Iterator[tuple[int, int, int]]:
        """The numbers in a run, and where each begins and ends: `thirty-one` is one, `two and four` are two."""
        total = current = last = stop = 0
        begin = -1
        for word in Dates.WORD.finditer(run.string, *run.span()):
            value = cls.VALUES.get(word[0].lower())
            if value is None:  # `and`
                continue
            is_hundred = value == cls.HUNDRED and 0 < current < cls.HUNDRED
            if begin >= 0 and not (value >= cls.SCALE or is_hundred or (last and value < cls._room(last))):
                yield total + current, begin, stop
                total, current, begin = 0, 0, -1
            begin = word.start() if begin < 0 else begin
            if value > cls.SCALE:
                total, current = ((total + current) or 1) * value, 0
            elif value == cls.SCALE:
                total, current = total + (current or 1) * value, 0
            else:
                current = current * value if is_hundred else current + value
            last, stop = value, word.end()
        yield total + current, begin, stop

    @staticmethod
    def _room(value: int) -> int:
        """Below what the next word must lie to belong to the same number: 20 takes 1 to 9, 100 takes 1 to 99."""
        room = 1
        while value % (room * 10) == 0:
            room *= 10
        return room
