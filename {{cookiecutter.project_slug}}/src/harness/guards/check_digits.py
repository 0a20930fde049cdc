"""Check digits: what tells a card, an account or an identity number from any other row of digits."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final


class CheckDigits:
    """Each claim takes a value without its separators, letters in capitals."""

    DOUBLED: Final = tuple(map(int, "0246813579"))
    """Twice a digit, its own digits added up."""

    TABLES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    BRANDS: Final = re.compile("|".join(TABLES["cards"].values()))
    IBAN_LENGTHS: Final[Mapping[str, int]] = {
        country: int(length) for length, countries in TABLES["iban_lengths"].items() for country in countries.split()
    }

    BASE_36: Final = {ord(sign): str(int(sign, 36)) for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

    CHECKS: Final = 2
    """Digits of a remainder by 97."""

    CORSICA: Final[Mapping[str, str]] = {"2A": "19", "2B": "18"}

    IBAN_HEAD: Final = 4
    """Characters of country and check digits."""

    IDENTITY_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
    """The letter of a DNI or NIE by its number's remainder (Real Decreto 1553/2005)."""

    @classmethod
    def is_card(cls, digits: str) -> bool:
        """True for a row of digits that a card may have."""
        if not cls.BRANDS.fullmatch(digits):
            return False
        return cls.is_luhn(digits)

    @classmethod
    def is_luhn(cls, digits: str) -> bool:
        """True for a row of digits that passes Luhn's test (ISO/IEC 7812)."""
        values = list(map(int, digits))
        values.reverse()
        return (sum(values[::2]) + sum(cls.DOUBLED[it] for it in values[1::2])) % 10 == 0

    @classmethod
    def is_iban(cls, value: str) -> bool:
        """True for an account number (ISO 13616): its country's length, remainder 1 by 97."""
        if len(value) != cls.IBAN_LENGTHS.get(value[:2]):
            return False
        turned = value[cls.IBAN_HEAD :] + value[: cls.IBAN_HEAD]
        return int(turned.translate(cls.BASE_36)) % 97 == 1

    @classmethod
    def is_remainder(cls, number: str) -> bool:
        """True where the last two digits are the others' remainder by 97 (Spanish social security)."""
        return int(number[: -cls.CHECKS]) % 97 == int(number[-cls.CHECKS :])

    @classmethod
    def is_complement(cls, number: str) -> bool:
        """True where they are 97 less that remainder, a department of Corsica read as a number (French NIR)."""
        for sign, plain in cls.CORSICA.items():
            number = number.replace(sign, plain)
        if not number.isdecimal() or number[0] not in "1234789":
            return False
        return 97 - int(number[: -cls.CHECKS]) % 97 == int(number[-cls.CHECKS :])

    @classmethod
    def is_identity(cls, value: str) -> bool:
        """True for a Spanish DNI or NIE: eight digits, or X, Y, Z and seven; then their letter."""
        number = int(value[:-1].translate(str.maketrans("XYZ", "012")))
        return cls.IDENTITY_LETTERS[number % len(cls.IDENTITY_LETTERS)] == value[-1]
