"""National identity numbers: by their form and check digits, and behind a word for one."""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .check_digits import CheckDigits

Check = Callable[[str], bool]
"""Takes a number without its separators, letters in capitals."""


class NationalIds:
    """Finds them in time linear in the text. `national_ids.toml` says which countries'."""

    DATA: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

    BEFORE: Final = r"(?<![^\W_])(?<![0-9A-Fa-f]{4}-)(?<!\d[.,/-])"
    AFTER: Final = r"(?![^\W_]|-[0-9A-Za-z]{2}|[.,]\d)"

    SIGNS: Final = {"9": r"\d", "A": "[A-Z\xd1]", "*": "[A-Z0-9]", "K": "[Kk]", " ": "[ \xa0]", "-": " ?[-\u2010-\u2013] ?"}

    SPANISH: Final = re.compile(
        r"(?:\d{8}|\d\d[. ]\d{3}[. ]\d{3}|[XYZxyz][ -]?\d{7}|[XYZ]-?\d\.\d{3}\.\d{3})(?: ?- ?[A-Za-z]| ?[A-Z]|[a-z])"
    )

    NAMED: Final = re.compile(
        rf"(?<![^\W_])(?:{''.join(DATA['words'].split(chr(10)))})(?![^\W_])"
        r"(?:[\s.:#=\"'\xba\xb0()-]|n[\xbao\xb0.]|es|is|num(?:ber)?|n\xfamero|m[i\xed]o?|del?|the|of){0,12}"
        r"(?P<number>[A-Z]{0,3}[ -]?\d(?:[ .-]?\d){5,13}(?:[ -]?[A-Za-z](?![^\W_]))?)(?![^\W_]|[.,]\d)",
        re.IGNORECASE,
    )
    DATE: Final = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?[0-3]\d|[0-3]?\d-[01]?\d-(?:19|20)\d\d")

    def __init__(self) -> None:
        checks: dict[str, list[Check]] = {}
        for form, check in self._checked():
            checks.setdefault(form, []).append(check)
        self._by_form = [
            *((re.compile(self._pattern(form)), its) for form, its in checks.items()),
            *((re.compile(self.BEFORE + f"(?:{it})" + self.AFTER), [bool]) for it in self.DATA["by_form"].values()),
            (re.compile(self.BEFORE + self.SPANISH.pattern + self.AFTER), [CheckDigits.is_identity]),
        ]

    @classmethod
    def _pattern(cls, form: str) -> str:
        return cls.BEFORE + "".join(cls.SIGNS.get(sign, re.escape(sign)) for sign in form) + cls.AFTER

    @classmethod
    def _checked(cls) -> Iterator[tuple[str, Check]]:
        for rule in cls.DATA["weighted"].values():
            yield from ((form, Weighted(rule)) for form in rule["forms"])
        for forms in cls.DATA["luhn"].values():
            yield from ((form, CheckDigits.is_luhn) for form in forms)
        for rule in cls.DATA["by_97"].values():
            check = CheckDigits.is_remainder if rule.get("plain") else CheckDigits.is_complement
            yield from ((form, check) for form in rule["forms"])

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where one stands; two may overlap."""
        for pattern, checks in self._by_form:
            for match in pattern.finditer(text):
                plain = "".join(filter(str.isalnum, match[0])).upper()
                if any(check(plain) for check in checks):
                    yield match.span()
        for match in self.NAMED.finditer(text):
            if not self.DATE.fullmatch(match["number"]):
                yield match.span("number")


class Weighted:
    """Holds a number against its check signs: the sum of its digits, each times a weight, tells them."""

    DIGITS: Final = "0123456789"

    def __init__(self, rule: dict[str, Any]) -> None:
        """Read one row of `[weighted]`."""
        self._weights: Sequence[Sequence[int]] = [[int(it) for it in row.split()] for row in rule["weights"]]
        self._checks: str = rule["checks"]
        self._alphabet: str = rule.get("alphabet", self.DIGITS)
        self._digits: int | None = rule.get("digits")

    def __call__(self, number: str) -> bool:
        number = number[: self._digits]
        for at, weights in enumerate(self._weights, -len(self._weights)):
            own, check = number[:at], number[at]
            values = [self._value(it) for it in own.rjust(len(weights), "0")]
            if len(values) > len(weights) or None in values or len(set(own)) == 1:
                return False
            total = sum(weight * (value or 0) for weight, value in zip(weights, values, strict=True))
            if self._checks[total % len(self._checks)] != check:
                return False
        return True

    def _value(self, sign: str) -> int | None:
        if sign in self.DIGITS:
            return int(sign)
        return self._alphabet.index(sign) if sign in self._alphabet else None
