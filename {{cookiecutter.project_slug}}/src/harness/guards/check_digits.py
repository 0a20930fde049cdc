"""Check digits: what tells a card, an account or an identity number from any other row of digits."""

import re
from collections.abc import Mapping
from typing import Final


class CheckDigits:
    """Each claim takes a value without its separators, letters in capitals."""

    DOUBLED: Final = tuple(map(int, "0246813579"))
    """Twice a digit, its own digits added up."""

    BRANDS: Final = re.compile(
        r"""
          4\d{12}(?:\d{3}(?:\d{3})?)?                                   # Visa: 13, 16, 19
        | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}   # Mastercard: 16
        | 3[47]\d{13}                                                   # American Express: 15
        | 3(?:0[0-5]|[689]\d)\d{11}(?:\d{2,5})?                         # Diners: 14, 16 to 19
        | 35(?:2[89]|[3-8]\d)\d{12,15}                                  # JCB: 16 to 19
        | (?:6011|64[4-9]\d|65\d\d|62\d\d|81\d\d)\d{12,15}              # Discover, UnionPay: 16 to 19
        | (?:50|5[6-9]|6[0-9])\d{11,17}                                 # Maestro: 13 to 19
        """,
        re.VERBOSE,
    )
    """First digits and lengths of ISO/IEC 7812 that are issued. Without them every tenth row of
    digits would pass Luhn's test."""

    IBAN_LENGTHS: Final[Mapping[str, int]] = {
        country: int(length)
        for length, countries in (
            row.split(":")
            for row in (
                "15:NO 16:BE 18:DK,FI,FK,FO,GL,NL,SD 19:MK,SI 20:AT,BA,EE,KZ,LT,LU,MN,XK"
                " 21:CH,CR,HR,LI,LV 22:BG,BH,DE,GB,GE,IE,ME,RS,VA 23:AE,GI,IL,IQ,OM,SO,TL"
                " 24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG 25:LY,PT,ST 26:IS,TR"
                " 27:BI,DJ,FR,GR,IT,MC,SM 28:AL,AZ,BY,CY,DO,GT,HU,LB,NI,PL,SV"
                " 29:BR,EG,PS,QA,UA 30:JO,KW,MU,YE 31:MT,SC 32:LC 33:RU"
            ).split()
        )
        for country in countries.split(",")
    }
    """Characters of an account number by country (SWIFT's IBAN registry, release 99)."""

    IBAN_HEAD: Final = 4
    """Characters of country and check digits."""

    IDENTITY_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
    """The letter of a DNI or NIE by its number's remainder (Real Decreto 1553/2005)."""

    @classmethod
    def is_card(cls, digits: str) -> bool:
        """True for a row of digits that a card may have."""
        if not cls.BRANDS.fullmatch(digits):
            return False
        values = list(map(int, digits))
        values.reverse()
        return (sum(values[::2]) + sum(cls.DOUBLED[it] for it in values[1::2])) % 10 == 0

    @classmethod
    def is_iban(cls, value: str) -> bool:
        """True for an account number (ISO 13616): its country's length, remainder 1 by 97."""
        if len(value) != cls.IBAN_LENGTHS.get(value[:2]):
            return False
        turned = value[cls.IBAN_HEAD :] + value[: cls.IBAN_HEAD]
        return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1

    @classmethod
    def is_identity(cls, value: str) -> bool:
        """True for a Spanish DNI or NIE: eight digits, or X, Y, Z and seven; then their letter."""
        number = int(value[:-1].translate(str.maketrans("XYZ", "012")))
        return cls.IDENTITY_LETTERS[number % len(cls.IDENTITY_LETTERS)] == value[-1]
