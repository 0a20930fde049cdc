"""The guard against invented figures: each number of an answer stands in this turn's facts."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final


class Grounding:
    """Holds the numbers of a text against evidence. It knows figures only, not claims in words."""

    NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
    THOUSANDS: Final = re.compile(r"\d+(?:[.,]\d{3})+")
    LIST_MARKER: Final = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)

    def __init__(self, evidence: Iterable[Any]) -> None:
        """Take `evidence`: texts and JSON values, such as the facts and the question."""
        self._written = set(self.NUMBER.findall(" ".join(self.texts(evidence))))

    def unsupported(self, answer: str) -> list[str]:
        """The numbers of `answer` that no evidence holds, as written; empty when grounded.

        A number counts as held when a known one rounds to it: 18.4 supports "18".
        """
        plain = self.LIST_MARKER.sub(" ", answer)
        return [text for text in self.NUMBER.findall(plain) if not self._holds(text)]

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
        if isinstance(evidence, dict):
            evidence = evidence.values()
        elif isinstance(evidence, str) or not isinstance(evidence, Iterable):
            yield str(evidence)
            return
        for item in evidence:
            yield from cls.texts(item)

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
