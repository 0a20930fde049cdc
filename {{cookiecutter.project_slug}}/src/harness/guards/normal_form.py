"""Spells alike what reads alike (accents, look-alikes, leet, codes), for matching against rules only."""

import base64
import binascii
import html
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote


class Letters(dict[int, str | None]):
    """For `str.translate`: look-alikes as their letter, what nobody sees left out, all else a space.

    It learns each sign when it first meets it, up to `MAX_CACHED`.
    """

    FILE: Final = Path(__file__).with_name("look_alikes.toml")

    SEEN: Final = frozenset("LNPSZ")
    """First letters of the categories that a reader sees; the others are marks and controls."""

    TAGS: Final = range(0xE0020, 0xE007F)
    """Unicode's tag characters: ASCII that no reader sees and some models read."""

    ASCII: Final = range(0x80)
    """Letters that stay as they are: most signs decompose to some."""

    MAX_CACHED: Final = 10_000
    """Entries; all of Unicode would be 15 MB."""

    def __init__(self) -> None:
        looks = tomllib.loads(self.FILE.read_text(encoding="utf-8")).items()
        super().__init__({ord(sign): letter for letter, signs in looks for sign in signs})
        self.update({sign: chr(sign) for sign in self.ASCII})
        self.update({ord(line): "\n" for line in "\n\x85\u2028\u2029"})
        self.update({ord(space): " " for space in "\t\r\x0b\x0c"})

    def __missing__(self, sign: int) -> str | None:
        if sign in self.TAGS:
            seen: str | None = chr(sign - self.TAGS.start + ord(" ")).lower()
        else:
            seen = " " if unicodedata.category(chr(sign))[0] in self.SEEN else None
        if len(self) < self.MAX_CACHED:
            self[sign] = seen
        return seen


class NormalForm:
    """Gives the readings of a text. All of it takes time in proportion to the text's length."""

    LETTERS: Final = Letters()
    GAPS: Final = {sign: " " for sign in Letters.ASCII if not chr(sign).isalnum()}
    NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]++")

    OTHER_SCRIPT: Final = re.compile(r"[\u0370-\u1cff\u2e80-\ud7ff]")
    """A letter that is no Latin one."""
    UNSEEN: Final = re.compile(r"[\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")

    LEET: Final = str.maketrans("0134578@$!|+", "oleastbaslit")
    LEET_SIGN: Final = re.compile(r"[@$!|+](?=[a-z0-9])(?:(?<=[a-z0-9].)|(?<=[^a-z0-9!+].))")
    """A sign for a letter inside of a word or before it; elsewhere it is a sign."""
    LEET_WORD: Final = re.compile(r" (?:[a-z]++[0-9]|[0-9]++[a-z])[a-z0-9]*+")
    """Letters and digits in one word."""

    LEET_WORDS: Final = 3
    """So many of them, and those of digits alone are words as well."""

    ALIKE: Final = (("ia", "1a"), ("ai", "a1"))
    """Words that must not be read as `la` and `al`, though `i` is read as `l`."""

    SPELLED: Final = re.compile(r" [a-z0-9](?: [a-z0-9](?![a-z0-9])){3,}+")
    """Four letters or more that each stand alone; two spaces part words."""
    LETTERS_APART: Final = re.compile(r" [a-z0-9](?: [a-z0-9](?![a-z0-9]))++")
    """Two letters or more, which where words are spelled are words as well."""
    JOINT: Final = re.compile(r"[-_.*~/\\|](?=[a-z0-9])(?<=[a-z0-9].)")
    """What may split a word."""

    CODE_CHARS: Final = 16
    """Shortest code that is decoded: base64 of 12 characters."""
    CODE: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}+={0,2}")
    """What may be base64, or hexadecimal."""
    ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
    BINARY: Final = re.compile(r"[01]{8}(?: [01]{8}){3,}+")
    BINARY_LETTER: Final = "011"
    """How each small letter of ASCII begins."""

    @classmethod
    def folded(cls, text: str) -> str:
        """`text` in ASCII and lower case: no accents, hidden signs and other alphabets' look-alikes.

        What is written for a browser or a program is read too: `&#105;`, `%69`, and `u0069` after a
        backslash.
        """
        if "&#" in text:
            text = html.unescape(text)
        if "%20" in text:
            text = unquote(text)
        if "\\u00" in text:
            text = cls.ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), text)
        return cls.NOT_ASCII.sub(cls._in_ascii, text).lower()

    @classmethod
    def in_own_script(cls, text: str) -> str:
        """The lines of `text` with letters that are no Latin ones: in lower case and one width, without hidden signs."""
        if text.isascii() or not cls.OTHER_SCRIPT.search(text):
            return ""
        lines = "\n".join(line for line in text.split("\n") if cls.OTHER_SCRIPT.search(line))
        return cls.UNSEEN.sub("", unicodedata.normalize("NFKC", lines)).lower()

    @classmethod
    def words(cls, folded: str) -> str:
        """The words of a folded text with one space between them and at both ends.

        Signs and digits that stand for letters are read as them, and `i` as `l`: 1, l, | and I
        look the same. `canonicalize` gives a pattern's words that form.
        """
        folded = cls.LEET_SIGN.sub(cls._as_letters, f" {folded}")
        words = f" {' '.join(folded.translate(cls.GAPS).split())} "
        words, mixed = cls.LEET_WORD.subn(cls._as_letters, words)
        if mixed >= cls.LEET_WORDS:
            words = words.translate(cls.LEET)
        for word, other in cls.ALIKE:
            words = words.replace(f" {word} ", f" {other} ")
        return words.replace("i", "l")

    @classmethod
    def canonicalize(cls, pattern: str) -> str:
        """A pattern of words, spelled as `words` spells a text."""
        for word, other in cls.ALIKE:
            pattern = re.sub(rf"\b{word}\b", other, pattern)
        return pattern.replace("i", "l")

    @classmethod
    def join_split_words(cls, folded: str) -> str:
        """A folded text with the words whole that are s-p-l-i-t or s p e l l e d."""
        whole = f" {cls.JOINT.sub('', folded)}"
        if cls.SPELLED.search(whole):
            whole = cls.LETTERS_APART.sub(lambda run: " " + run[0].replace(" ", ""), whole)
        return whole[1:]

    @classmethod
    def split_lines(cls, folded: str) -> str:
        """Only the lines of a folded text that `join_split_words` makes another, and their neighbours."""
        lines = [line for line in folded.split("\n") if line.strip()]
        split = [cls.JOINT.search(it) or cls.SPELLED.search(f" {it}") for it in lines]
        near = zip([None, *split], split, [*split[1:], None], strict=False)
        return "\n".join(line for line, each in zip(lines, near, strict=True) if any(each))

    @classmethod
    def decoded(cls, text: str) -> Iterator[str]:
        """The texts that stand encoded in `text`: as base64, hexadecimal, or digits of 0 and 1."""
        long = " ".join(word for word in text.split() if len(word) >= cls.CODE_CHARS)
        for code in cls.CODE.findall(long):
            for decode in (cls._base64, bytes.fromhex):
                try:
                    content = decode(code).decode()
                except (binascii.Error, ValueError):  # no such code, or no text in it
                    continue
                if content.isprintable() or "\n" in content:
                    yield content
        if cls.BINARY_LETTER in text:
            for match in cls.BINARY.finditer(text):
                yield bytes(int(octet, 2) for octet in match[0].split()).decode("latin-1")

    @classmethod
    def _in_ascii(cls, signs: re.Match[str]) -> str:
        return unicodedata.normalize("NFKD", signs[0]).casefold().translate(cls.LETTERS)

    @classmethod
    def _as_letters(cls, match: re.Match[str]) -> str:
        return match[0].translate(cls.LEET)

    @staticmethod
    def _base64(code: str) -> bytes:
        plain = code.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
