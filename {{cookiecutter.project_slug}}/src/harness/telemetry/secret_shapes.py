"""What a secret looks like: keys by how they begin, and other forms. Nothing here knows a secret by its value."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final


class SecretShapes:
    """Finds what has the shape of a well-known secret, in time linear in the text.

    A key is a beginning that a vendor gave it, and no word after it. How keys begin is known from the
    rules of a scanner (secret_prefixes.toml says which), and from secret_shapes.toml.
    """

    DATA: Final = Path(__file__).with_suffix(".toml")
    SCANNER: Final = DATA.with_name("secret_prefixes.toml")

    RUN: Final = re.compile(r"[A-Za-z0-9_+/=.~:$%\\-]{18,}+")
    """What may hold a key: a beginning and `BODY` characters. Most texts have no such run, and one
    search tells it."""

    BODY: Final = 16
    """Characters of a key after its beginning, at least; a guess: the shortest of today have 16."""

    NO_WORD: Final = re.compile(
        r"[A-Za-z]\d+[A-Za-z]+\d|\d[A-Za-z]+\d+[A-Za-z]"  # a1b2, 1a2b
        r"|(?<![A-Za-z0-9])(?=[A-Za-z0-9]{16})(?:[A-Za-z]++\d|\d++[A-Za-z])"  # long, of both
        r"|[A-Za-z0-9]{24}|(?:[a-z]{1,3}[A-Z]{1,4}){3}|^(?=\D*\d)(?=.*[A-Z]).*[a-z][A-Z]"
    )
    """What no word, name, date or version has in it."""

    def __init__(self) -> None:
        own, scanner = (tomllib.loads(it.read_text(encoding="utf-8")) for it in (self.DATA, self.SCANNER))
        beginnings = self._by_sign({*own["prefixes"].split(), *scanner["prefixes"].split()})
        # Behind `\n` and `%20`, too.
        self._key = re.compile(
            rf"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{{2}}))(?:{beginnings})"
            rf"(?P<body>(?:[A-Za-z0-9_+/=~-]|\.(?=[A-Za-z0-9_-])){{{self.BODY},}}+)"
        )
        forms: dict[str, dict[str, Any]] = own["forms"]
        self._forms = [(tuple(it["needs"]), re.compile(it["pattern"])) for it in forms.values()]

    @staticmethod
    def _by_sign(beginnings: Iterable[str]) -> str:
        """One expression, by first sign: the engine then tries only those that begin with it."""
        by_sign: dict[str, list[str]] = {}
        for it in sorted(beginnings, key=lambda it: (-len(it), it)):
            by_sign.setdefault(it[0], []).append(re.escape(it[1:]))
        return "|".join(f"{re.escape(sign)}(?:{'|'.join(rests)})" for sign, rests in sorted(by_sign.items()))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets stand; two may overlap."""
        for run in self.RUN.finditer(text):
            for key in self._key.finditer(text, run.start(), run.end()):
                if self.NO_WORD.search(key["body"]):
                    yield key.span()
        for needs, pattern in self._forms:
            if any(it in text for it in needs):
                yield from (it.span() for it in pattern.finditer(text))

    def is_in(self, text: str) -> bool:
        """True when `text` holds one."""
        return next(self.spans(text), None) is not None

    def masked(self, text: str, mask: Callable[[str], str]) -> str:
        """`text` with `mask` of each in its place."""
        return self.replaced(text, self.spans(text), mask)

    @staticmethod
    def replaced(text: str, spans: Iterable[tuple[int, int]], mask: Callable[[str], str]) -> str:
        """`text` with `mask` of what stands at each of `spans`; of two that overlap, once."""
        parts, end = list[str](), 0
        for start, stop in sorted(spans):
            if stop > end:
                parts += [text[end : max(start, end)], mask(text[max(start, end) : stop])]
                end = stop
        return "".join((*parts, text[end:])) if parts else text
