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
    LONG: Final = r"(?=\d(?:[ \xa0./\u2010-\u2013-]{0,3}[0-9]){6})"
    """Seven digits: no number here has fewer. It spares most the other patterns."""

    LETTER: Final = re.compile(r"\(\?P<f\d+>(?:\(\?![A-Z|]+\))?\[[A-Z]")
    """How the pattern of a form begins that begins with a letter."""

    SIGNS: Final = {
        "9": r"\d",
        "A": "[A-Z\xd1]",
        "*": "[A-Z0-9]",
        "K": "[Kk]",
        " ": "[ \xa0]",
        "-": " ?[-\u2010-\u2013] ?",
    }

    SPANISH: Final = (
        r"(?:\d{8}|\d\d[. ]\d{3}[. ]\d{3})(?: ?- ?[A-Za-z]| ?[A-Z]|[a-z])",
        r"[XYZxyz](?:[ -]?\d{7}|-?\d\.\d{3}\.\d{3})(?: ?- ?[A-Za-z]| ?[A-Z]|[a-z])",
    )
    """DNI and NIE."""

    NUMBER: Final = re.compile(
        r"(?<![^\W_])(?:[A-Z]{4}\d{6}[A-Z0-9]{2,8}|(?:[A-Z]{1,3}[ -]?)?(?P<digits>\d(?:[ .-]?\d){5,13})(?:[ -]?[A-Za-z](?![^\W_]))?)"
        r"(?![^\W_]|[.,]\d)"
    )
    """What may be one behind a word for one."""

    NAMED: Final = re.compile(
        rf"(?<![^\W_])(?:{''.join(DATA['words'].split(chr(10)))})(?![^\W_])"
        r"(?:[\s.:#=\"'\xba\xb0()-]{1,3}|[^\W\d_]{1,14}(?=[\s.:=\xba\xb0])){0,9}$",
        re.IGNORECASE,
    )
    NAMED_CHARS: Final = 60
    """Such a word, so far before it."""

    DATE: Final = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?[0-3]\d|[0-3]?\d-[01]?\d-(?:19|20)\d\d")

    def __init__(self) -> None:
        """Make one pattern of all forms: what two countries write alike is held against both checks."""
        checks: dict[str, list[Check]] = {}
        for form, check in self._checked():
            checks.setdefault(self._pattern(form), []).append(check)
        checks |= {it: [bool] for it in self.DATA["by_form"].values()}
        checks |= {it: [CheckDigits.is_identity] for it in self.SPANISH}
        self._checks = [*checks.values()]
        forms = [f"(?P<f{at}>{it}){self.AFTER}" for at, it in enumerate(checks)]
        by_digit = [it for it in forms if not self.LETTER.match(it)]
        by_letter = [it for it in forms if self.LETTER.match(it)]
        self._forms = re.compile(
            f"{self.BEFORE}(?:{self.LONG}(?:{'|'.join(by_digit)})|(?=[A-Zxyz\xd1])(?:{'|'.join(by_letter)}))"
        )

    @classmethod
    def _pattern(cls, form: str) -> str:
        return "".join(cls.SIGNS.get(sign, re.escape(sign)) for sign in form)

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
        for match in self._forms.finditer(text):
            plain = "".join(filter(str.isalnum, match[0])).upper()
            if any(check(plain) for check in self._checks[int((match.lastgroup or "")[1:])]):
                yield match.span()
        for match in self.NUMBER.finditer(text):
            for start in {match.start(), match.start("digits")} - {-1}:  # `RUC` is such a word, or a part of it
                before = text[max(0, start - self.NAMED_CHARS) : start]
                if self.NAMED.search(before) and not self.DATE.fullmatch(text, start, match.end()):
                    yield start, match.end()


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
        """True where each check sign is the one that the weights tell."""
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
