"""Currencies of an answer that its evidence does not name."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final

from ..locale.locale import Locale
from .dates import Dates
from .units import Units


class Currencies:
    """Compares the currencies that two texts name, by the codes that each sign and word may mean."""

    MONEY: Final = frozenset(map(str.lower, Units.CURRENCIES))
    SIGN: Final = re.compile(Locale.pattern(it for it in Units.CURRENCIES if not it.isalpha()))
    SIGNS: Final = frozenset(sign[-1] for sign in Units.CURRENCIES if not sign.isalpha())
    """Of each sign the last letter, which is the sign itself: `US$`."""
    SIGN_OR_WORD: Final = re.compile(f"{SIGN.pattern}|{Dates.WORD.pattern}")
    BEFORE_AMOUNT: Final = re.compile(
        rf"(?:\d|\b(?:{Locale.pattern(*(it.before_amount for it in Dates.LOCALES))}))\s?(?:[a-z]+\s)?\Z", re.IGNORECASE
    )
    BEFORE_AMOUNT_CHARS: Final = 24
    """How far back that is looked for: a million and an adjective."""

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        """Read `texts`, the evidence and what its facts are called, when a currency is met."""
        self._texts = texts

    @classmethod
    def may_be_in(cls, text: str, words: Iterable[str]) -> bool:
        """False where neither `text` nor its `words` name a currency."""
        return not cls.SIGNS.isdisjoint(text) or not cls.MONEY.isdisjoint(map(str.lower, words))

    def unsupported(self, answer: str) -> Iterator[str]:
        """Those of `answer` that neither the evidence nor a key of it names, as written."""
        for text, start, codes in self._mentions(answer):
            near = max(0, start - self.BEFORE_AMOUNT_CHARS), start
            if codes.isdisjoint(self._codes) and (
                text.isupper() or not text.isalpha() or self.BEFORE_AMOUNT.search(answer, *near)
            ):  # `5 pounds`, but not `the pounds he lost`
                yield text

    @cached_property
    def _codes(self) -> frozenset[str]:
        """The currencies that the evidence may mean; `price_eur` is a key that tells one."""
        mentions = self._mentions(" ".join(self._texts()).upper())
        return frozenset().union(*(codes for _, _, codes in mentions))

    @classmethod
    def _mentions(cls, text: str) -> Iterator[tuple[str, int, frozenset[str]]]:
        """Each mention: as written, where, and the codes that it may mean."""
        for match in cls.SIGN_OR_WORD.finditer(text):
            word = match[0]
            if codes := Units.CURRENCIES.get(word) or Units.CURRENCIES.get(word.lower()):
                yield word, match.start(), codes
