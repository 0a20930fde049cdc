"""Units of figures: what they measure, how they are written, and what facts with them are called."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
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
    BEGINNINGS: Final = frozenset(word.split()[0] for word in WORDS if " " in word)
    """First words of units of several words."""
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
    @lru_cache(maxsize=1024)
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


class UnitReader:
    """Finds the unit after a figure: a sign, a word, several words, after an adjective or two."""

    TOKEN: Final = re.compile(
        r"[\s\u00a0\u202f-]?((?:[^\W\d_]+[/.])*[^\W\d_]+[\u00b2\u00b323]?"
        r"|[^\w\s.,;:!?()\"'\u2026*-]{1,2}[CFKcfk]?)(?![^\W_])"
    )
    """A word or a sign."""
    ADJECTIVES: Final = frozenset(Locale.beside_figures("adjectives"))
    COMMON: Final = frozenset().union(*(it.common_words | frozenset(it.numbers) for it in Dates.LOCALES))
    MOST_WORDS: Final = 3
    """Of a unit and of what stands before it: `kilómetros por hora`, `full working days`."""

    @classmethod
    def read(cls, text: str, at: int) -> tuple[Unit | None, int]:
        """The unit that begins at `at`, and where it ends; None, and `at`."""
        first = cls.TOKEN.match(text, at)
        if first is None:
            return None, at
        word = first[1].lower()
        if word in Units.BEGINNINGS or word in cls.ADJECTIVES:
            return cls._of_several(text, at)
        if unit := Units.read(first[1]):
            return unit, first.end()
        following = cls.TOKEN.match(text, first.end()) if first[1].islower() and word not in cls.COMMON else None
        if following and (unit := Units.WORDS.get(following[1].lower())):  # `ten sick days`
            return unit, following.end()
        return None, at

    @classmethod
    def _of_several(cls, text: str, at: int) -> tuple[Unit | None, int]:
        words: list[str] = []
        ends: list[int] = [at]
        while len(words) < cls.MOST_WORDS and (match := cls.TOKEN.match(text, ends[-1])):
            words.append(match[1])
            ends.append(match.end())
        for first, word in enumerate(words):
            for last in range(len(words), first, -1):
                if unit := Units.read(" ".join(words[first:last])):
                    return unit, ends[last]
            if word.lower() not in cls.ADJECTIVES:
                break
        return None, at
