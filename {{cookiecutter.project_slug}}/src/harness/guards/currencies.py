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
        name: codes
        for names, codes in (
            ("euro euros", frozenset({"EUR"})),
            ("dollar dollars bucks dólar dólares dolar dolares", DOLLARS),
            ("peso pesos", PESOS),
            ("pound pounds sterling libra libras", frozenset({"GBP"})),
            ("yen yens yenes", frozenset({"JPY"})),
            ("yuan yuanes renminbi", frozenset({"CNY"})),
            ("franc francs franco francos", frozenset({"CHF"})),
            ("crown crowns krona kronor krone kroner koruna corona coronas", CROWNS),
            ("rupee rupees rupia rupias", frozenset({"INR", "IDR", "PKR"})),
            ("reais reales", frozenset({"BRL"})),
            ("ruble rubles rublo rublos", frozenset({"RUB"})),
            ("lira liras", frozenset({"TRY"})),
            ("shekel shekels séquel séqueles", frozenset({"ILS"})),
            ("zloty zlotys zloties esloti eslotis", frozenset({"PLN"})),
            ("forint forints florines", frozenset({"HUF"})),
            ("bitcoin bitcoins", frozenset({"BTC"})),
        )
        for name in names.split()
    }
    """Names of amounts. Those that are common words too, such as `won` and `sol`, are left out."""

    CODES: Final = frozenset(
        "AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PHP"
        " PLN RON SEK SGD THB TRY USD ZAR ARS BOB BTC CLP COP DOP PEN PKR RUB UYU VES AED SAR EGP"
        " NGN KES UAH VND".split()
    )

    WORD: Final = re.compile(r"[^\W\d_]+")
    SIGN: Final = re.compile("|".join(map(re.escape, SIGNS)))
    BEFORE: Final = re.compile(
        r"(?:\d|\b(?:in|en|into|to|mil|mill[oó]n(?:es)?|million|billion|thousand))"
        r"\s?(?:[a-z]+\s)?\Z",
        re.IGNORECASE,
    )
    """What stands before the name of an amount: a number, or `in`."""
    BEFORE_CHARS: Final = 24
    """How far back that is looked for: a million and an adjective."""

    def __init__(self, evidence: str) -> None:
        """Hold what `evidence` names, one text of everything, keys of facts too."""
        self._evidence = evidence

    @classmethod
    def may_be_in(cls, text: str, words: frozenset[str]) -> bool:
        """False, in little time, for a text of these words that names none."""
        if not words.isdisjoint(cls.CODES) or cls.SIGN.search(text):
            return True
        return not cls.NAMES.keys().isdisjoint(map(str.lower, words))

    def unsupported(self, answer: str) -> list[str]:
        """The currencies of `answer` that the evidence does not have, as written."""
        return [
            text
            for text, at, meant in self._mentions(answer)
            if not meant & self._known and self._is_amount(answer, at, text)
        ]

    @cached_property
    def _known(self) -> frozenset[str]:
        words = frozenset(self.WORD.findall(self._evidence))
        codes = self.CODES.intersection(map(str.upper, words))
        names = self.NAMES.keys() & frozenset(map(str.lower, words))
        signs = frozenset(self.SIGN.findall(self._evidence))
        return codes.union(*(self.NAMES[it] for it in names), *(self.SIGNS[it] for it in signs))

    @classmethod
    def _mentions(cls, text: str) -> Iterator[tuple[str, int, frozenset[str]]]:
        """Each mention: as written, where, and the codes that it may mean."""
        for match in cls.WORD.finditer(text):
            word = match[0]
            if word in cls.CODES:
                yield word, match.start(), frozenset({word})
            elif meant := cls.NAMES.get(word.lower()):
                yield word, match.start(), meant
        for match in cls.SIGN.finditer(text):
            yield match[0], match.start(), cls.SIGNS[match[0]]

    @classmethod
    def _is_amount(cls, text: str, at: int, name: str) -> bool:
        """True where a currency is meant: `5 pounds`, but not `the pounds he lost`."""
        if not name[0].isalpha() or name.isupper():
            return True
        return cls.BEFORE.search(text, max(0, at - cls.BEFORE_CHARS), at) is not None
