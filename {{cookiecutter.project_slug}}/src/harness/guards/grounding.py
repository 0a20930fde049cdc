"""Grounding: numbers, dates, currencies and names of an answer that the facts of its turn do not have."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from ..locale.locale import Locale
from ..prompts.language import Words
from .dates import Dates


class Grounding:
    """Checks a text against evidence. It knows no claims in words: `it will snow`."""

    PLAIN: Final = frozenset({str, int, float, bool, type(None)})

    NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
    THOUSANDS: Final = re.compile(r"\d+(?:[.,]\d{3})+")
    SPACED_THOUSANDS: Final = re.compile(r"(?<=\d)[ \u00a0\u202f'\u2019](?=\d{3}(?!\d))")
    """Between the groups of `1 234`, `1'234`: as languages without data write them."""
    LIST_MARKER: Final = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)

    CURRENCIES: Final = Locale.inverted(*(it.currencies for it in Dates.LOCALES))
    """Codes, signs and what amounts are called -> the codes (ISO 4217) that each may mean."""
    MONEY: Final = frozenset(map(str.lower, CURRENCIES))
    SIGN: Final = re.compile(Locale.pattern(it for it in CURRENCIES if not it.isalpha()))
    SIGN_OR_WORD: Final = re.compile(f"{SIGN.pattern}|{Dates.WORD.pattern}")
    BEFORE_AMOUNT: Final = re.compile(
        rf"(?:\d|\b(?:{Locale.pattern(*(it.before_amount for it in Dates.LOCALES))}))\s?(?:[a-z]+\s)?\Z", re.IGNORECASE
    )
    BEFORE_AMOUNT_CHARS: Final = 24
    """How far back that is looked for: a million and an adjective."""

    NAME: Final = re.compile(r"[A-Z\xc0-\xde](?<![\w@./#].)[\w'\u2019-]*[^\W\dA-Z\xc0-\xde_][\w'\u2019-]+")
    """Begins with a capital and is not in capitals throughout."""
    BEGINNING: Final = re.compile(r"(?:\A|[.!?…:;\n|>•=]|[\"“«\u2018¿¡*_]|[-\u2013—]\s)[\s\"“«\u2018¿¡(*_-]*\Z")
    """Of a sentence, where every word has its capital."""
    BEGINNING_CHARS: Final = 6
    """How far back that is looked for: signs and spaces only."""
    SAME_BEGINNING_CHARS: Final = 3
    """Shortest beginning that two spellings of a name share: Tokyo, Tokio. And half of the word."""
    SAME_NAME_CHARS: Final = 4
    """Shortest beginning that two names share: Norway, Norwegian."""

    NO_NAMES: Final = frozenset().union(*(it.names_nothing | it.common_words for it in Dates.LOCALES))
    NAMES: Final = Locale.inverted(*(it.names for it in Dates.LOCALES))
    """Names that begin differently in each language -> the keys of what they mean."""

    def __init__(self, evidence: Iterable[Any], said: Iterable[str] = ()) -> None:
        """Take `evidence`: texts and JSON values, such as the facts and the question.

        What our own code `said`, read only when it is needed, supports dates, currencies and names,
        and no number.
        """
        self._evidence = evidence
        self._said = said

    def unsupported(self, answer: str, *, is_known: bool = True) -> list[str]:
        """The figures of `answer` that no evidence holds, as written; empty when grounded.

        A number is supported when one of the evidence rounds to it: 18.4 supports "18". With `is_known`
        false `answer` is in a language without data: only its digits are checked, signs and codes of currencies.
        """
        plain = self.LIST_MARKER.sub(" ", answer)
        if not is_known:
            plain = self.SPACED_THOUSANDS.sub("", plain)
        numbers = (text for text in self.NUMBER.findall(plain) if not self._has_number(text))
        words = frozenset(Dates.WORD.findall(plain))
        has_date = is_known and not words.isdisjoint(Dates.NAMES)
        has_currency = self.SIGN.search(plain) or not self.MONEY.isdisjoint(map(str.lower, words))
        if (has_date or has_currency) and answer in self._words_said:
            has_date = has_currency = False  # every word of it is our own code's
        dates = self._dates.unsupported(plain) if has_date else ()
        currencies = self._unsupported_currencies(plain) if has_currency else ()
        if not is_known:
            currencies = (it for it in currencies if it.isupper() or not it.isalpha())
        return list(dict.fromkeys([*numbers, *dates, *currencies]))

    def unsupported_names(self, answer: str) -> list[str]:
        """The capitalised words of `answer` that the evidence does not have, as written.

        Words, not runs of them, so that `Bank of Spain` may become `Banco de España`. None at the
        beginning of a sentence, none in capitals throughout, and none that begins like a known word:
        `Londres` is London, but Mario is Maria too.
        """
        return [
            match[0]
            for match in self.NAME.finditer(answer)
            if match[0] not in Dates.NAMES
            and not self._begins(answer, match.start())
            and match[0] not in self._words_as_written
            and not self._has_name(match[0])
        ]

    @classmethod
    def flatten(cls, evidence: Any, *, with_keys: bool = False) -> Iterator[str]:
        """Every text and number in `evidence`, however deep, as text; and what they are called."""
        left = [evidence]
        while left:
            item = left.pop()
            if type(item) in cls.PLAIN:
                yield str(item)
            elif isinstance(item, dict):
                left.extend(item.values())
                if with_keys:
                    left.extend(item)
            elif isinstance(item, Iterable) and not isinstance(item, str | bytes):
                left.extend(item)
            else:
                yield str(item)

    @cached_property
    def texts(self) -> list[str]:
        """The evidence, flat."""
        return list(self.flatten(self._evidence))

    @cached_property
    def _words_said(self) -> list[str]:
        return list(self._said)

    def _has_number(self, text: str) -> bool:
        return text in self._written or any(
            round(number, decimals) == value for value, decimals in self._readings(text) for number in self._numbers
        )

    @cached_property
    def _written(self) -> set[str]:
        return set(self.NUMBER.findall(" ".join(self.texts)))

    @cached_property
    def _numbers(self) -> set[float]:
        """Every value that a number of the evidence may mean; most answers need none of them."""
        return {value for text in self._written for value, _ in self._readings(text)}

    @classmethod
    def _readings(cls, text: str) -> Iterator[tuple[float, int]]:
        """Every (value, decimals) that a number may mean: `1.234` is 1234 or 1.234."""
        digits = re.sub(r"[.,]", "", text)
        marks = re.findall(r"[.,]", text)
        if not marks or cls.THOUSANDS.fullmatch(text):
            yield float(digits), 0
        if marks and (len(marks) == 1 or marks[-1] not in marks[:-1]):
            decimals = len(re.split(r"[.,]", text)[-1])
            yield int(digits) / 10**decimals, decimals

    @cached_property
    def _dates(self) -> Dates:
        return Dates(" ".join((*self.texts, *self._words_said)))

    def _unsupported_currencies(self, answer: str) -> Iterator[str]:
        """Those of `answer` that neither the evidence nor a key of it names, as written."""
        for text, start, codes in self._currencies_in(answer):
            near = max(0, start - self.BEFORE_AMOUNT_CHARS), start
            if codes.isdisjoint(self._codes) and (
                text.isupper() or not text.isalpha() or self.BEFORE_AMOUNT.search(answer, *near)
            ):  # `5 pounds`, but not `the pounds he lost`
                yield text

    @cached_property
    def _codes(self) -> frozenset[str]:
        """The currencies that the evidence may mean; `price_eur` is a key that tells one."""
        texts = (*self.flatten(self._evidence, with_keys=True), *self._words_said)
        mentions = self._currencies_in(" ".join(texts).upper())
        return frozenset().union(*(codes for _, _, codes in mentions))

    @classmethod
    def _currencies_in(cls, text: str) -> Iterator[tuple[str, int, frozenset[str]]]:
        """Each mention: as written, where, and the codes that it may mean."""
        for match in cls.SIGN_OR_WORD.finditer(text):
            word = match[0]
            if codes := cls.CURRENCIES.get(word) or cls.CURRENCIES.get(word.lower()):
                yield word, match.start(), codes

    @classmethod
    def _begins(cls, answer: str, at: int) -> bool:
        return cls.BEGINNING.search(answer, max(0, at - cls.BEGINNING_CHARS), at) is not None

    def _has_name(self, name: str) -> bool:
        parts = re.split(r"[-'\u2019]", Words.strip_accents(name))
        return all(self._has_word(part) for part in parts if part not in ("s", ""))

    def _has_word(self, word: str) -> bool:
        if word in self.NO_NAMES or word in self._words or word.removesuffix("s") in self._words:
            return True
        if not self._meanings.isdisjoint(self.NAMES.get(word, ())):
            return True
        start = word[: max(self.SAME_BEGINNING_CHARS, (len(word) + 1) // 2)]
        if any(it.startswith(start) for it in self._words):
            return True
        start = word[: self.SAME_NAME_CHARS]
        return len(start) == self.SAME_NAME_CHARS and any(it.startswith(start) for it in self._names)

    @cached_property
    def _words_as_written(self) -> frozenset[str]:
        return frozenset(Dates.WORD.findall(" ".join(self.texts)))

    @cached_property
    def _words(self) -> frozenset[str]:
        texts = (*self.texts, *self._words_said)
        return frozenset(word for text in texts for word in Words.tokenize(text))

    @cached_property
    def _names(self) -> frozenset[str]:
        names = (it for text in (*self.texts, *self._words_said) for it in self.NAME.findall(text))
        return frozenset(map(Words.strip_accents, names))

    @cached_property
    def _meanings(self) -> frozenset[str]:
        return frozenset().union(*(self.NAMES[it] for it in self._words & self.NAMES.keys()))
