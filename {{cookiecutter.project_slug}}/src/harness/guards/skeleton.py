"""What is left of a text when all is gone that hides its letters: case, accents, signs, look-alikes, spaces."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from .normal_form import Letters, NormalForm


class Bones(Letters):
    """For `str.translate`: look-alikes as their letter, letters of any script, nothing else."""

    ENCLOSED: Final = (0x1F150, 0x1F170, 0x1F1E6)
    """White letters in circles and squares, and those of flags, A to Z: NFKD leaves them."""
    LATIN: Final = 26

    def __init__(self) -> None:
        super().__init__()
        self.update({first + at: chr(ord("a") + at) for first in self.ENCLOSED for at in range(self.LATIN)})

    def __missing__(self, sign: int) -> str | None:
        char = super().__missing__(sign)
        if char == " " and chr(sign).isalpha():
            char = self[sign] = chr(sign)
        return char


class Skeleton:
    """Two texts that read alike have the same one. All takes time linear in the text."""

    BONES: Final = Bones()
    MARKS: Final = {sign: chr(sign) if chr(sign).isalnum() else None for sign in Letters.ASCII} | {ord("i"): "l"}
    NO_DIGITS: Final = str.maketrans("", "", "0123456789")

    NUMBERED: Final = re.compile(r"(?:^|\n)[ \t>*-]{0,4}\(?\d{1,3}[.):]?[ \t]+")
    """What stands before each line of a list."""

    ANSWERED: Final = re.compile(r"[.!?\u2026]+(?:\s+|$)|\n+")
    """Where a sentence ends."""

    LEET: Final = re.compile(r"[a-z][0134578@$!|]+[a-z]")
    LEET_WORDS: Final = 4
    """So many words with such a sign in them, and the signs are letters."""

    @classmethod
    def sentences(cls, text: str) -> Sequence[str]:
        """The letters and digits of each sentence of `text`."""
        if "\n" in text:
            text = cls.NUMBERED.sub("\n", text)
        return [it.translate(cls.MARKS) for it in cls.ANSWERED.split(cls._plain(text))]

    @classmethod
    def marks(cls, text: str) -> str:
        """The letters and digits of `text`."""
        return cls._plain(text).translate(cls.MARKS)

    @classmethod
    def letters(cls, text: str) -> str:
        """The letters of `text` alone: what numbers its lines is no part of it."""
        return cls.marks(text).translate(cls.NO_DIGITS)

    @classmethod
    def leet(cls, text: str) -> str | None:
        """Its letters, where digits and signs stand for some; None where they do not."""
        plain = cls._plain(text)
        if len(cls.LEET.findall(plain)) < cls.LEET_WORDS:
            return None
        return plain.translate(NormalForm.LEET).translate(cls.MARKS).translate(cls.NO_DIGITS)

    @classmethod
    def _plain(cls, text: str) -> str:
        """`text` in small letters, with none but ASCII's signs."""
        if text.isascii():
            return text.lower()
        # The one sign that NFKD makes 18 of: no text may grow by it.
        folded = unicodedata.normalize("NFKD", text.replace("\ufdfa", " ")).casefold()
        return NormalForm.NOT_ASCII.sub(lambda signs: signs[0].translate(cls.BONES), folded)
