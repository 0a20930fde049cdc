"""What a question asks to be converted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from harness import Language, Words

from .names import NAMES, PESOS, SYMBOLS, WORDS_TOO


@dataclass(frozen=True, slots=True)
class Mention:
    """One currency in a question."""

    code: str
    amount: float | None
    """None where no number stands beside it."""


class CurrencyReader:
    """Reads amounts and currencies by rules: `$1,000`, `1.000 euros`, `2,5 millones de yenes`."""

    NUMBER: Final = r"\d+(?:[.,]\d+)*"
    TIMES: Final[Mapping[str, float]] = {
        "k": 1e3,
        "mil": 1e3,
        "thousand": 1e3,
        "million": 1e6,
        "millón": 1e6,
        "millones": 1e6,
    }
    BEFORE: Final = re.compile(
        rf"(?:(?P<number>{NUMBER})\s*(?P<times>{'|'.join(TIMES)})?|\b(?:an?|one|una?))" r"\s*(?:de\s+)?$", re.IGNORECASE
    )
    BEFORE_CHARS: Final = 40
    """Characters before a currency that may be its amount: a longer one is no sum of money, and
    looking further back takes a hostile text's length squared."""
    AFTER: Final = re.compile(rf"\s*(?P<number>{NUMBER})\s*(?P<times>(?:{'|'.join(TIMES)})\b)?", re.IGNORECASE)
    GROUP: Final = 3
    """Digits between two marks for thousands."""
    ANY_PESO: Final = "peso"
    """Stands for a code where a peso is named and not whose."""

    def __init__(self) -> None:
        codes = "|".join(sorted(NAMES.keys() - WORDS_TOO))
        names = "|".join(f"(?P<{code}>{pattern})" for code, pattern in NAMES.items())
        self._mention = re.compile(
            rf"(?P<symbol>{'|'.join(map(re.escape, SYMBOLS))})"
            rf"|(?<![^\W\d])(?:(?P<code>(?i:{codes})|{'|'.join(WORDS_TOO)})"
            rf"|(?i:{names}|(?P<peso>pesos?)))(?!\w)"
        )

    def mentions(self, question: str, language: Language) -> list[Mention]:
        """The currencies in order; what is asked about first: the one with an amount."""
        found = list(self._read(question, language))
        return sorted(found, key=lambda mention: mention.amount is None)

    def _read(self, question: str, language: Language) -> Iterator[Mention]:
        peso = self._peso(question)
        for match in self._mention.finditer(question):
            code = (match.group("code") or match.lastgroup or "").upper()
            if match.group("peso"):
                code = peso
            beside = self.BEFORE.search(question, max(0, match.start() - self.BEFORE_CHARS), match.start())
            if symbol := match.group("symbol"):
                code = SYMBOLS[symbol]
                beside = self.AFTER.match(question, match.end()) or beside
            yield Mention(code, self._amount(beside, language) if beside else None)

    def _peso(self, question: str) -> str:
        """The peso of the country that is named elsewhere, as in an answer to `Which peso?`."""
        for word in Words.tokenize(question):
            for country, code in PESOS.items():
                if word.startswith(country):
                    return code
        return self.ANY_PESO

    def _amount(self, beside: re.Match[str], language: Language) -> float:
        number, times = beside.group("number"), beside.group("times")
        if number is None:
            return 1  # `a dollar`
        return self._number(number, language) * self.TIMES.get((times or "").lower(), 1)

    def _number(self, text: str, language: Language) -> float:
        """`1,234.5`, `1.234,5`; `1.234` is a thousand in Spanish, `1,234` in English."""
        marks = re.sub(r"\d", "", text)
        decimal = "," if language == "es" else "."
        if len(set(marks)) == 2:  # both: the last one is the decimal mark
            decimal = marks[-1]
        elif len(marks) > 1:  # the same one twice: thousands
            decimal = ""
        elif marks and len(text.rpartition(marks)[2]) != self.GROUP:  # `2.5` means the same everywhere
            decimal = marks
        digits = "".join(char for char in text if char.isdigit() or char == decimal)
        return float(digits.replace(decimal, ".") if decimal else digits)
