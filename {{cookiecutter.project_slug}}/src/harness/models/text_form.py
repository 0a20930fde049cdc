"""One form for the text of models and sources: one kind of line end, no sign that nobody sees, emoji whole."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final


class TextForm:
    """Gives a text as it is shown: what nobody sees and means no harm is left out, what acts is left for the guards."""

    LINE_END: Final = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
    KEPT: Final = re.compile(
        "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"  # a region's flag: England's
        "|(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d])"  # the joiner of composed emoji, and Persian's
    )
    """Hidden signs that are a part of one that is seen."""

    HIDDEN: Final = frozenset({"Cf", "Co", "Cs"})
    """Categories of Unicode that nobody sees; not `Cn`, which holds the emoji of next year."""
    ACTING: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\U000e0000-\U000e007f]")
    """What commands a terminal, turns the order of letters around, or says something that only a model reads."""
    VARIANTS: Final = range(0xE0100, 0xE01F0)
    """Variation selectors that few fonts know, and that carry any text unseen behind one emoji."""

    OPEN_END: Final = re.compile("(?:\r|[\ud800-\udbff]|[\u200c\u200d]|\U0001f3f4[\U000e0020-\U000e007e]*)\\Z")
    """The end of a piece that its next one may go on with."""

    CARRIED: Final = {half: half - 0xD800 + 0x10F000 for half in range(0xD800, 0xE000)}
    """The halves of pairs as private signs that mean nothing: so they pass libraries that refuse them (pydantic)."""
    UNCARRIED: Final = {sign: half for half, sign in CARRIED.items()}
    IS_CARRIED: Final = re.compile("[\U0010f000-\U0010f7ff]")

    @classmethod
    def plain(cls, text: str) -> str:
        """`text` in that form; the same for a text that has it."""
        if text.replace("\n", "").isprintable() and not cls._has_variants(text):
            return text
        text = cls.LINE_END.sub("\n", cls.joined(text))
        parts = cls.KEPT.split(text)
        return "".join(part if at % 2 else "".join(filter(cls._is_seen, part)) for at, part in enumerate(parts))

    @classmethod
    def harmless(cls, text: str) -> str:
        """`text` in the same form, without what acts."""
        parts = cls.KEPT.split(cls.plain(text))
        return "".join(part if at % 2 else cls.ACTING.sub("", part) for at, part in enumerate(parts))

    @classmethod
    def plain_in(cls, value: Any) -> Any:
        """The same for every text inside of a JSON value."""
        match value:
            case str():
                return cls.plain(value)
            case Mapping():
                return {cls.plain_in(key): cls.plain_in(each) for key, each in value.items()}
            case Sequence():
                return [cls.plain_in(each) for each in value]
        return value

    @classmethod
    def carried(cls, text: str) -> str:
        """`text` with its halves of pairs as signs that any library takes; `joined` takes them back."""
        return text if text.isascii() else text.translate(cls.CARRIED)

    @classmethod
    def joined(cls, text: str) -> str:
        """`text` with its halves of pairs joined; one that stays alone is left out."""
        if cls.IS_CARRIED.search(text):
            text = text.translate(cls.UNCARRIED)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")

    @classmethod
    def _is_seen(cls, char: str) -> bool:
        is_hidden = unicodedata.category(char) in cls.HIDDEN or ord(char) in cls.VARIANTS
        return not is_hidden or cls.ACTING.match(char) is not None

    @classmethod
    def _has_variants(cls, text: str) -> bool:
        return bool(text) and ord(max(text)) >= cls.VARIANTS.start and any(ord(char) in cls.VARIANTS for char in text)


class TextPieces:
    """The same for a text that comes in pieces."""

    BEFORE_CHARS: Final = 2
    """Of what has left, those that the next piece is read with: an emoji and the joiner behind it."""

    def __init__(self) -> None:
        self._last = ""
        self._open = ""

    def feed(self, piece: str) -> str:
        """What may leave now; the end waits where the next piece may belong to it."""
        if not self._open and piece.isascii() and piece.isprintable():  # most pieces
            self._last = (self._last + piece)[-self.BEFORE_CHARS :]
            return piece
        piece = self._open + TextForm.IS_CARRIED.sub(lambda it: it[0].translate(TextForm.UNCARRIED), piece)
        open_end = TextForm.OPEN_END.search(piece)
        self._open = open_end[0] if open_end else ""
        return self._formed(piece[: open_end.start()] if open_end else piece)

    def end(self) -> str:
        """What waited."""
        rest, self._open = self._open, ""
        return self._formed(rest)

    def _formed(self, text: str) -> str:
        """`text` as it stands after what has left: a joiner needs its emoji."""
        formed = TextForm.plain(self._last + text)[len(TextForm.plain(self._last)) :]
        self._last = (self._last + formed)[-self.BEFORE_CHARS :]
        return formed
