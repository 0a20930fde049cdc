"""Leaks: our own prompts and anybody's secrets in an answer, also encoded or spelled otherwise."""

import base64
import binascii
import codecs
import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain
from string import Template
from typing import Final
from urllib.parse import unquote

from ..telemetry.redaction import Redactor
from .skeleton import Skeleton


class KnownPrompts:
    """Tells what of a text stands in our prompts, by its letters alone."""

    RUN: Final = 40
    """Letters in a row that are no chance: about eight words of a prompt."""

    PART: Final = 20
    """Letters in a row that count with others, and those of a whole sentence: four words."""

    PARTS: Final = 60
    """Letters of all such runs of a text that are no chance either. A guess: three of them."""

    STEP: Final = 7
    """A third of a `PART`: each holds a whole piece of twice this length that begins at a multiple of it."""

    WORDS: Final = 3
    """A sentence of fewer is anybody's: `Be brief.`"""

    WORD: Final = re.compile(r"[^\W\d_]++")
    SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n\s*(?:[-*\u2022]|\d+[.)])?\s+|\n{2,}")
    """Where one ends in a prompt."""

    def __init__(self) -> None:
        self._text = ""
        self._places: dict[str, int] = {}
        self._ends: list[tuple[int, int]] = []
        self._sentences: set[str] = set()

    def add(self, parts: Iterable[str]) -> None:
        """Know `parts` of prompts, also written backwards, by words or by letters, and in rot13."""
        parts = list(parts)
        first = end = len(self._text)
        more: list[str] = []
        for write in (str, self._backwards, self._each_backwards, self._words_backwards, self._rot13):
            for sentence in (it for part in parts for it in self.SENTENCE.split(part)):
                letters = Skeleton.letters(write(sentence))
                more.append(letters)
                end += len(letters)
                if len(self.WORD.findall(sentence)) >= self.WORDS and not any(map(str.isdigit, sentence)):
                    self._sentences.add(letters)
                    self._ends.append((end, len(letters)))
            more.append("\0")  # a run must lie in one
            end += 1
        self._text += "".join(more)
        first -= first % self.STEP
        for at in range(first, len(self._text) - 2 * self.STEP + 1, self.STEP):
            self._places.setdefault(self._text[at : at + 2 * self.STEP], at)

    def holds(self, sentences: Sequence[str]) -> bool:
        """True for a long run of a prompt in the letters of `sentences`, several runs, or one of its sentences."""
        if not self._sentences.isdisjoint(sentences):
            return True
        letters = "".join(sentences)
        size, places, after = 2 * self.STEP, self._places, 0
        told: set[int] = set()  # letters of the prompts: a phrase that is said twice tells no more of them
        for at in [it for it in range(len(letters) - size + 1) if letters[it : it + size] in places]:
            place = places[letters[at : at + size]]
            start, end = self._run(letters, at, place)
            if start < after or end - start < self.PART:
                continue
            after = end
            told |= {*range(place - at + start, place - at + end)}
            if end - start >= self.RUN or len(told) >= self.PARTS:
                return True
            if self._is_sentence(place - at + start, place - at + end):
                return True
        return False

    def _run(self, letters: str, at: int, place: int) -> tuple[int, int]:
        """Where the run begins and ends in `letters` that holds the piece at `at`."""
        start, end = at, at + 2 * self.STEP
        while start > 0 and place - at + start > 0 and letters[start - 1] == self._text[place - at + start - 1]:
            start -= 1
        last = min(len(letters), len(self._text) - place + at)
        while end < last and letters[end] == self._text[place - at + end]:
            end += 1
        return start, end

    def _is_sentence(self, start: int, end: int) -> bool:
        """True when a whole sentence of at least `PART` lies between two places of the prompts."""
        for stop, length in self._ends[bisect_left(self._ends, (start + self.PART, 0)) :]:
            if stop > end:
                return False
            if length >= self.PART and stop - length >= start:
                return True
        return False

    @staticmethod
    def _backwards(text: str) -> str:
        return text[::-1]

    @staticmethod
    def _each_backwards(text: str) -> str:
        return " ".join(word[::-1] for word in text.split())

    @staticmethod
    def _words_backwards(text: str) -> str:
        return " ".join(reversed(text.split()))

    @staticmethod
    def _rot13(text: str) -> str:
        return codecs.encode(text, "rot13")


class KnownSecrets:
    """Tells a secret that is known by its value, by its letters and digits, whole or a part of it."""

    SHORTEST: Final = 8
    """Letters and digits; what is shorter is found as it stands only."""

    PART: Final = 12
    """Of a secret that are no chance."""

    WORDS: Final = 16
    """The same of letters alone: a part of it may be words."""

    MOST: Final = 0.8
    """Of a secret, in pieces: its two halves, or all but an end."""

    PIECE: Final = 6

    def __init__(self, secrets: Iterable[str]) -> None:
        """Know `secrets`; of an address, its password is one of them."""
        plain = {Skeleton.marks(it) for it in secrets if "://" not in it}
        ways = {way for it in plain if len(it) >= self.SHORTEST for way in (it, it[::-1], codecs.encode(it, "rot13"))}
        self._pieces = {way: [way[at : at + self.PIECE] for at in range(len(way) - self.PIECE + 1)] for way in ways}
        self._all = frozenset(it for pieces in self._pieces.values() for it in pieces)

    def is_in(self, marks: str) -> bool:
        """True when `marks`, letters and digits of a text, hold one or a telling part of one."""
        if not self._all:
            return False
        size = self.PIECE
        found = self._all.intersection([marks[at : at + size] for at in range(len(marks) - size + 1)])
        return bool(found) and any(self._tells(it, pieces, marks, found) for it, pieces in self._pieces.items())

    def _tells(self, secret: str, pieces: Sequence[str], marks: str, found: Set[str]) -> bool:
        places = [at for at, piece in enumerate(pieces) if piece in found]
        if not places:
            return False
        if secret in marks:
            return True
        if len(secret) <= self.PART:
            return False
        is_words = all(map(str.isalpha, found))
        if not is_words and len({place for at in places for place in range(at, at + self.PIECE)}) >= self.MOST * len(
            secret
        ):
            return True
        parts = (secret[at : at + self.PART] for at in places)
        longer = (secret[at : at + self.WORDS] for at in places)
        return any(
            len(part) == self.PART
            and part in marks
            and (not part.isalpha() or (len(more) == self.WORDS and more in marks))
            for part, more in zip(parts, longer, strict=True)
        )


class Leaks:
    """Finds our prompts and secrets in a text.

    A prompt shows by its letters, a secret by its letters and digits, whatever stands between them:
    case, accents, spaces, hyphens and other alphabets' look-alikes do not hide them, nor do numbered
    lines, base64, hexadecimal, other codes of characters, rot13 and writing backwards. A translation
    of a prompt is not found.
    """

    MAX_LEARNT: Final = 200
    """Prompts that are learnt: one with the date or a name in it is another each time. A guess."""

    ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}+(?:\s?[A-Za-z0-9+/_-]{20,}+)*+={0,2}")
    """What may be base64 of at least 15 characters, in lines."""

    ESCAPED: Final = re.compile(r"(?:\\u00|\\u\{|[%=]|U\+00)([0-9A-Fa-f]{2})\}?")
    """One character of a code in hexadecimal, as it stands in a program or an address."""

    CODES: Final = re.compile(r"(?<!\d)(?:\d{2,3}[\s,;.-]{1,2}){11,}+(?:\d{2,3})?")
    BITS: Final = re.compile(r"(?<!\d)(?:[01]{7,8}[\s,;-]?){12,}+")
    """What may be twelve characters' codes in decimal, octal, or binary."""

    DIGITS: Final = 18
    """The fewest of 0 to 9 in a text that any of these has."""

    HEX: Final = re.compile(r"(?<![^\W_])(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[\s:,-]?){20,}+")
    """What may be 20 bytes in hexadecimal."""

    def __init__(self, prompts: Iterable[str], redactor: Redactor) -> None:
        """Know `prompts`, texts for `string.Template` whose `$names` are no secret, and what `redactor` knows."""
        self._prompts = KnownPrompts()
        self._learnt: set[str] = set()
        self._add(prompts)
        self._redactor = redactor
        self._secrets = KnownSecrets(redactor.secrets)

    def learn(self, prompt: str) -> None:
        """Know one more prompt: of a graph of one's own, where its model is first asked with it."""
        if prompt not in self._learnt and len(self._learnt) < self.MAX_LEARNT:
            self._learnt.add(prompt)
            self._add([prompt.replace("$", "$$")])

    def _add(self, prompts: Iterable[str]) -> None:
        self._prompts.add(part for prompt in prompts for part in Template.pattern.sub("\0", prompt).split("\0"))

    def find(self, text: str) -> str | None:
        """`secret` or `prompt` when `text` holds one, else None."""
        if found := self._find(text):
            return found
        once = list(self._decoded(text))
        return next(filter(None, map(self._find, chain(once, *map(self._decoded, once)))), None)

    def _find(self, text: str) -> str | None:
        marks = Skeleton.sentences(text)
        if self._redactor.holds_a_secret(text) or self._secrets.is_in("".join(marks)):
            return "secret"
        if self._prompts.holds([it.translate(Skeleton.NO_DIGITS) for it in marks]):
            return "prompt"
        if (letters := Skeleton.leet(text)) and self._prompts.holds([letters]):
            return "prompt"
        return None

    @classmethod
    def _decoded(cls, text: str) -> Iterator[str]:
        for match in cls.ENCODED.finditer(text):
            code = "".join(match[0].split()).rstrip("=")
            for decode, size in ((base64.urlsafe_b64decode, 4), (base64.b32decode, 8)):
                try:
                    content = decode(code.replace("+", "-").replace("/", "_") + "=" * (-len(code) % size))
                except (binascii.Error, ValueError):
                    continue
                yield content.decode("utf-8", errors="replace")
        if "&" in text and (plain := html.unescape(text)) != text:
            yield plain
        if cls.ESCAPED.search(text):
            yield cls.ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), text)
        if "%" in text and (plain := unquote(text)) != text:
            yield plain
        if sum(map(text.count, "0123456789")) >= cls.DIGITS:
            yield from cls._by_number(text)

    @classmethod
    def _by_number(cls, text: str) -> Iterator[str]:
        for match in cls.HEX.finditer(text):
            digits = re.sub(r"\\x|0x|[^0-9A-Fa-f]", "", match[0])
            yield bytes.fromhex(digits).decode("utf-8", errors="replace")
        for match in cls.CODES.finditer(text):
            codes = re.findall(r"\d+", match[0])
            yield "".join(map(chr, map(int, codes)))
            if not re.search("[89]", match[0]):
                yield "".join(chr(int(it, 8)) for it in codes)
        for match in cls.BITS.finditer(text):
            yield "".join(chr(int(it, 2)) for it in re.findall("[01]{7,8}", match[0]))
