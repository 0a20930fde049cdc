"""Leaks: our own prompts and anybody's secrets in an answer, also encoded or spelled otherwise."""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from string import Template
from typing import Final
from urllib.parse import unquote

from ..telemetry.redaction import Redactor


class Leaks:
    """Finds our prompts and secrets in a text.

    A prompt shows by a run of its letters and digits, whatever stands between them: case, spaces,
    hyphens and look-alike forms of letters do not hide it, nor do base64, hexadecimal, HTML
    entities, rot13 and writing backwards. A translation of it is not found.
    """

    RUN: Final = 40
    """Letters and digits in a row that are no chance: about eight words of a prompt."""

    STEP: Final = 20
    """Half of it: a run of `RUN` holds one whole piece of this length at each multiple of it."""

    MAX_LEARNT: Final = 200
    """Prompts that are learnt: one with the date or a name in it is another each time. A guess."""

    ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}+(?:\s?[A-Za-z0-9+/_-]{20,}+)*+={0,2}")
    """What may be base64 of at least 15 characters, in lines."""

    PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")

    HEX: Final = re.compile(r"(?<![^\W_])(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[\s:,-]?){20,}+")
    """What may be 20 bytes in hexadecimal."""

    def __init__(self, prompts: Iterable[str], redactor: Redactor) -> None:
        """Know `prompts`, texts for `string.Template` whose `$names` are no secret, and what `redactor` knows."""
        self._prompts = ""
        self._pieces: set[str] = set()
        self._learnt: set[str] = set()
        self._add(prompts)
        self._redactor = redactor
        self._turned_secrets = [it for secret in redactor.secrets for it in self._turned(secret)]

    def learn(self, prompt: str) -> None:
        """Know one more prompt: of a graph of one's own, where its model is first asked with it."""
        if prompt not in self._learnt and len(self._learnt) < self.MAX_LEARNT:
            self._learnt.add(prompt)
            self._add([prompt.replace("$", "$$")])

    def _add(self, prompts: Iterable[str]) -> None:
        parts = (part for prompt in prompts for part in Template.pattern.sub("\0", prompt).split("\0"))
        # One sign between them that no text has: a run must lie in one.
        plain = "\0".join(map(self._squeezed, parts))
        more = "\0".join(("", plain, *self._turned(plain)))
        self._pieces |= {more[at : at + self.STEP] for at in range(len(more) - self.STEP + 1)}
        self._prompts += more

    def find(self, text: str) -> str | None:
        """`secret` or `prompt` when `text` holds one, else None."""
        for reading in (text, *self._decoded(text)):
            if self._redactor.holds_a_secret(reading):
                return "secret"
            if any(secret in reading for secret in self._turned_secrets):
                return "secret"
            if self._holds_a_prompt(self._squeezed(reading)):
                return "prompt"
        return None

    def _holds_a_prompt(self, squeezed: str) -> bool:
        for at in range(0, len(squeezed) - self.STEP + 1, self.STEP):
            if squeezed[at : at + self.STEP] not in self._pieces:
                continue
            first = max(0, at - self.STEP)
            runs = range(first, min(at, len(squeezed) - self.RUN) + 1)
            if any(squeezed[start : start + self.RUN] in self._prompts for start in runs):
                return True
        return False

    @staticmethod
    def _turned(text: str) -> tuple[str, str]:
        """`text` written backwards, and in rot13."""
        return text[::-1], codecs.encode(text, "rot13")

    @staticmethod
    def _squeezed(text: str) -> str:
        folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
        return "".join(filter(str.isalnum, folded))

    @classmethod
    def _decoded(cls, text: str) -> Iterator[str]:
        for match in cls.ENCODED.finditer(text):
            code = "".join(match[0].split()).rstrip("=").replace("-", "+").replace("_", "/")
            try:
                content = base64.b64decode(code + "=" * (-len(code) % 4))
            except (binascii.Error, ValueError):
                continue
            yield content.decode("utf-8", errors="replace")
        for match in cls.HEX.finditer(text):
            digits = re.sub(r"\\x|0x|[^0-9A-Fa-f]", "", match[0])
            yield bytes.fromhex(digits).decode("utf-8", errors="replace")
        if "&" in text and (plain := html.unescape(text)) != text:
            yield plain
        if cls.PERCENT.search(text) and (plain := unquote(text)) != text:
            yield plain
