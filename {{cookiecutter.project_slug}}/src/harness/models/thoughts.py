"""Thoughts that a model writes inside of its answer, between marks: they are no part of it."""

import re
import tomllib
from pathlib import Path
from typing import Final

_MARKS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_KINDS: Final = "|".join(f"(?P<{kind}>{'|'.join(_MARKS[kind])})" for kind in ("open", "close", "dropped"))


class Thoughts:
    """Leaves thoughts out of an answer, whole or in pieces.

    Marks that are not closed are thoughts to the end. A mark that closes what was never opened ends
    thoughts from the beginning on: some templates open them in the prompt.
    """

    MARK: Final = re.compile(_KINDS, re.IGNORECASE)
    PARTIAL: Final = re.compile(_MARKS["partial"], re.IGNORECASE)
    END: Final = re.compile(_MARKS["end"], re.IGNORECASE)
    SIGNS: Final = ("<", "[", "◁")
    """Every mark begins with one."""

    CLOSED: Final = "</think>"
    """What a stream holds where thoughts end that were never opened: what came before is taken back."""

    def __init__(self) -> None:
        self._is_inside = False
        self._has_thought = False
        self._waiting = ""
        self.has_unopened = False
        """True once thoughts have ended that were never opened."""

    @classmethod
    def left_out(cls, text: str) -> str:
        """`text` without its thoughts."""
        if not any(sign in text for sign in cls.SIGNS):
            return text
        thoughts = cls()
        said = thoughts.feed(text) + thoughts.end()
        return said.rpartition(cls.CLOSED)[2].strip() if said != text else text

    @classmethod
    def are_unopened_in(cls, text: str) -> bool:
        """Whether `text` ends thoughts that it had not opened."""
        thoughts = cls()
        thoughts.feed(text)
        return thoughts.has_unopened

    def feed(self, piece: str) -> str:
        """What `piece` says, with what waited; the end waits where a mark may have begun."""
        text, said = self._waiting + piece, ""
        if not (self._is_inside or self._has_thought or any(sign in text for sign in self.SIGNS)):  # most pieces
            self._waiting = ""
            return text
        while mark := self.MARK.search(text):
            said += self._said(text[: mark.start()])
            text = text[mark.end() :]
            said = self._passed(mark, said)
        partial = self.PARTIAL.search(text)
        cut = partial.start() if partial else len(text)
        self._waiting = text[cut:]
        return said + self._said(text[:cut])

    def end(self) -> str:
        """What waited."""
        rest = self._said(self.END.sub("", self._waiting))
        self._waiting = ""
        return rest

    def _passed(self, mark: re.Match[str], said: str) -> str:
        """What is said once a mark is passed."""
        if mark.lastgroup == "open":
            self._is_inside = self._has_thought = True
        elif mark.lastgroup == "close" and self._is_inside:
            self._is_inside = False
        elif mark.lastgroup == "close":
            self.has_unopened = self._has_thought = True
            return self.CLOSED
        return said

    def _said(self, text: str) -> str:
        """`text` unless it is thought; without the space that parts thoughts from words."""
        if self._is_inside:
            return ""
        if self._has_thought:
            text = text.lstrip()
            self._has_thought = not text
        return text
