"""The guard against inventions: numbers, dates and currencies of an answer stand in this turn's facts."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from .currencies import Currencies
from .dates import Dates


class Grounding:
    """Holds the figures of a text against evidence. It knows no claims in words: `it will snow`."""

    PLAIN: Final = frozenset({str, int, float, bool, type(None)})

    NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
    THOUSANDS: Final = re.compile(r"\d+(?:[.,]\d{3})+")
    LIST_MARKER: Final = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)

    def __init__(
        self, evidence: Iterable[Any], said: Iterable[str] = (), names: Iterable[Any] = ()
    ) -> None:
        """Take `evidence`: texts and JSON values, such as the facts and the question.

        What our own code `said` supports dates and currencies in words, and no number; what values
        in `names` are called, such as `price_eur`, supports currencies.
        """
        self._text = " ".join(self.texts(evidence))
        self._said = said
        self._keys = names

    def unsupported(self, answer: str) -> list[str]:
        """The figures of `answer` that no evidence holds, as written; empty when grounded.

        A number counts as held when a known one rounds to it: 18.4 supports "18".
        """
        plain = self.LIST_MARKER.sub(" ", answer)
        numbers = [text for text in self.NUMBER.findall(plain) if not self._holds(text)]
        words = frozenset(Dates.WORD.findall(plain))
        has_date = not words.isdisjoint(Dates.NAMES)
        has_currency = Currencies.may_be_in(plain, words)
        if (has_date or has_currency) and answer in self._own_words:
            has_date = has_currency = False  # every word of it is ours
        dates = self._dates.unsupported(plain) if has_date else []
        currencies = self._currencies.unsupported(plain) if has_currency else []
        return list(dict.fromkeys([*numbers, *dates, *currencies]))

    @cached_property
    def _own_words(self) -> list[str]:
        return list(self._said)

    @cached_property
    def _written(self) -> set[str]:
        return set(self.NUMBER.findall(self._text))

    @cached_property
    def _in_words(self) -> str:
        return " ".join((self._text, *self._own_words))

    @cached_property
    def _dates(self) -> Dates:
        return Dates(self._in_words)

    @cached_property
    def _currencies(self) -> Currencies:
        return Currencies(" ".join((self._in_words, *self._names(self._keys))))

    @cached_property
    def _known(self) -> set[float]:
        """Every value that a number of the evidence may mean; most answers need none of them."""
        return {value for text in self._written for value, _ in self._readings(text)}

    def _holds(self, text: str) -> bool:
        if text in self._written:
            return True
        for value, decimals in self._readings(text):
            if any(round(known, decimals) == value for known in self._known):
                return True
        return False

    @classmethod
    def texts(cls, evidence: Any) -> Iterator[str]:
        """Every text and number in `evidence`, however deep, as text."""
        left = [evidence]
        while left:
            item = left.pop()
            if type(item) in cls.PLAIN:
                yield str(item)
            elif isinstance(item, dict):
                left.extend(item.values())
            elif isinstance(item, Iterable) and not isinstance(item, str | bytes):
                left.extend(item)
            else:
                yield str(item)

    @classmethod
    def _names(cls, evidence: Any) -> Iterator[str]:
        """What the values in `evidence` are called, such as `price_eur`."""
        if isinstance(evidence, dict):
            yield from map(str, evidence)
            evidence = evidence.values()
        elif isinstance(evidence, str) or not isinstance(evidence, Iterable):
            return
        for item in evidence:
            yield from cls._names(item)

    @staticmethod
    def _readings(text: str) -> Iterator[tuple[float, int]]:
        """Every (value, decimals) that a number may mean: `1.234` is 1234 or 1.234."""
        digits = re.sub(r"[.,]", "", text)
        marks = re.findall(r"[.,]", text)
        if not marks or Grounding.THOUSANDS.fullmatch(text):
            yield float(digits), 0
        if marks and (len(marks) == 1 or marks[-1] not in marks[:-1]):
            decimals = len(re.split(r"[.,]", text)[-1])
            yield int(digits) / 10**decimals, decimals
