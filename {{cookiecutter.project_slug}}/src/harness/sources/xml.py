"""XML as feeds are written: what is no XML by a hair is mended before a strict and safe parser reads it."""

import re
from html.entities import html5
from typing import Final


class TolerantXml:
    """Mends the usual faults (https://www.w3.org/TR/xml/#sec-well-formed); all others are the parser's to refuse."""

    DECLARATION: Final = re.compile(r"\s*<\?xml\b[^>]*\?>")
    ENCODING: Final = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.-]+)[\"']")
    UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
    ENTITY: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)(\w*;?)")
    FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

    @classmethod
    def cleaned(cls, body: bytes, charset: str | None) -> bytes:
        """`body` in UTF-8: the header's charset counts before its own, no space stands before it, HTML's entities are letters.

        As it is where no encoding fits.
        """
        if body.startswith(cls.UTF_16):
            return body
        body = body.removeprefix(b"\xef\xbb\xbf")
        declared = cls.ENCODING.match(body)
        for encoding in (charset, declared[1].decode() if declared else "utf-8"):
            try:
                text = body.decode(encoding or "")
            except (LookupError, ValueError):  # unknown, or another one
                continue
            text = cls.FORBIDDEN.sub("", cls.DECLARATION.sub("", text, count=1).lstrip())
            return cls.ENTITY.sub(cls._letter, text).encode()
        return body

    @staticmethod
    def _letter(entity: re.Match[str]) -> str:
        """The letter of `&nbsp;`; a lone `&` as XML writes it."""
        return html5.get(entity[1]) or f"&amp;{entity[1]}"
