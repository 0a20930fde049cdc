"""Currencies beside amounts: an answer names none that neither the question nor the facts name."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final


class Currencies:
    """Reads codes (ISO 4217), signs, and English and Spanish names."""

    DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "HKD", "SGD"})
    PESOS: Final = frozenset({"MXN", "COP", "CLP", "ARS", "PHP", "UYU", "DOP"})
    CROWNS: Final = frozenset({"SEK", "NOK", "DKK", "CZK", "ISK"})

    SIGNS: Final[Mapping[str, frozenset[str]]] = {
        "US$": frozenset({"USD"}),
        "R$": frozenset({"BRL"}),
        "$": DOLLARS | PESOS,
        "€": frozenset({"EUR"}),
        "£": frozenset({"GBP"}),
        "¥": frozenset({"JPY", "CNY"}),
        "₹": frozenset({"INR"}),
        "₩": frozenset({"KRW"}),
        "₺": frozenset({"TRY"}),
        "₪": frozenset({"ILS"}),
        "₽": frozenset({"RUB"}),
    }
    """Longer ones first."""

    NAMES: Final[Mapping[str, frozenset[str]]] = {
        r"euros?": frozenset({"EUR"}),
        r"d[oó]lar(?:es)?|dollars?|bucks": DOLLARS,
        r"pesos?": PESOS,
        r"pounds? sterling|pounds?|libras?(?: esterlinas?)?": frozenset({"GBP"}),
        r"yens?|yenes": frozenset({"JPY"}),
        r"yuan(?:es)?|renminbi": frozenset({"CNY"}),
        r"(?:swiss )?francs?|francos?(?: suizos?)?": frozenset({"CHF"}),
        r"crowns?|kron[aeo]r?|koruna|coronas?": CROWNS,
        r"rupees?|rupias?": frozenset({"INR", "IDR", "PKR"}),
        r"brazilian reals?|reais|reales": frozenset({"BRL"}),
        r"rubles?|rublos?": frozenset({"RUB"}),
        r"liras?": frozenset({"TRY"}),
        r"shekels?|s[eé]quel(?:es)?": frozenset({"ILS"}),
        r"zlot(?:y|ys|ies)|z[lł]oty|eslotis?": frozenset({"PLN"}),
        r"forints?|florines": frozenset({"HUF"}),
        r"bitcoins?": frozenset({"BTC"}),
    }
    """Names of amounts. Those that are common words too, such as `won` and `sol`, are left out."""

    CODES: Final = frozenset(
        "AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PHP"
        " PLN RON SEK SGD THB TRY USD ZAR ARS BOB BTC CLP COP DOP PEN PKR RUB UYU VES AED SAR EGP"
        " NGN KES UAH VND".split()
    )

    CODE: Final = re.compile(r"(?<![^\W_])(?:" + "|".join(sorted(CODES)) + r")(?![^\W_])")
    SIGN: Final = re.compile("|".join(map(re.escape, SIGNS)))
    NAME: Final = re.compile(
        r"(?<![^\W_])(?:" + "|".join(f"({it})" for it in NAMES) + r")(?![^\W_])", re.IGNORECASE
    )
    BEFORE: Final = re.compile(
        r"(?:\d|\b(?:in|en|of|de|into|to|a|mil|mill[oó]n(?:es)?|million|billion|thousand|per|por|un|one))"
        r"\s?(?:[a-z]+\s)?\Z",
        re.IGNORECASE,
    )
    """What stands before the name of an amount: a number, or `in`."""
    BEFORE_CHARS: Final = 24
    """How far back that is looked for: a million and an adjective."""

    def __init__(self, evidence: str) -> None:
        """Hold what `evidence` names, one text of everything, keys of facts too."""
        self._evidence = evidence

    def unsupported(self, answer: str) -> list[str]:
        """The currencies of `answer` that the evidence does not have, as written."""
        return [
            text
            for text, at, meant in self._mentions(answer)
            if not meant & self._known and self._is_amount(answer, at, text)
        ]

    @cached_property
    def _known(self) -> frozenset[str]:
        keys = {it.upper() for it in re.findall(r"(?<![^\W_])[a-z]{3}(?![^\W_])", self._evidence)}
        named = [meant for _, _, meant in self._mentions(self._evidence)]
        return frozenset(keys & self.CODES).union(*named)

    @classmethod
    def _mentions(cls, text: str) -> Iterator[tuple[str, int, frozenset[str]]]:
        """Each mention: as written, where, and the codes that it may mean."""
        for match in cls.CODE.finditer(text):
            yield match[0], match.start(), frozenset({match[0]})
        for match in cls.SIGN.finditer(text):
            yield match[0], match.start(), cls.SIGNS[match[0]]
        meanings = list(cls.NAMES.values())
        for match in cls.NAME.finditer(text):
            yield match[0], match.start(), meanings[(match.lastindex or 1) - 1]

    @classmethod
    def _is_amount(cls, text: str, at: int, name: str) -> bool:
        """True where a currency is meant: `5 pounds`, but not `the pounds he lost`."""
        if not name[0].isalpha() or name.isupper():
            return True
        return cls.BEFORE.search(text, max(0, at - cls.BEFORE_CHARS), at) is not None
