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

    PLAIN: Final = re.compile(
        r"[a-z_./:]++|[0-9a-f]++|\d{4}-\d\d-\d\dT[\d:.+Z-]++|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    )
    """Such a run that is none: a module's name, a digest, a time, a UUID. Every line of a log has two."""

    BODY: Final = 14
    """Characters of a key after its beginning, at least: Razorpay's have as few."""

    NO_WORD: Final = re.compile(
        r"[A-Za-z]\d+[A-Za-z]+\d|\d[A-Za-z]+\d+[A-Za-z]"  # a1b2, 1a2b
        r"|(?<![A-Za-z0-9])(?=[A-Za-z0-9]{16})(?:[A-Za-z]++\d|\d++[A-Za-z])"  # long, of both
        r"|(?=\D{0,30}\d)(?:[A-Z0-9]{4,8}-){3}[A-Z0-9]{4,8}"
        r"|[A-Za-z0-9]{24}|(?:[a-z]{1,3}[A-Z]{1,4}){3}|^(?=\D*\d)(?=.*[A-Z]).*[a-z][A-Z]"
    )
    """What no word, name, date or version has in it."""

    MAX_CLEAN: Final = 1024
    """Runs that hold no secret are remembered, so many: a log has the same addresses, models and paths. A guess."""
    CLEAN_CHARS: Final = 200
    """Of such a run at most: all take 0.3 MB."""

    def __init__(self) -> None:
        self._clean: set[str] = set()
        own, scanner = (tomllib.loads(it.read_text(encoding="utf-8")) for it in (self.DATA, self.SCANNER))
        beginnings = self._by_sign({*own["prefixes"].split(), *scanner["prefixes"].split()})
        body = r"(?P<body>(?:[A-Za-z0-9_+/=~%-]|\.(?=[A-Za-z0-9_-])){" + f"{self.BODY}" + r",}+)"
        self._key = re.compile(
            r"(?<![A-Za-z0-9])(?:(?<=\\)[nrt]|(?<=%)[0-9A-Fa-f]{2})?"  # behind `\n` and `%20`, too
            rf"(?P<key>{'|'.join(own['keys'].values())}|(?:{beginnings}){body})"
        )
        forms: Iterable[dict[str, Any]] = own["forms"].values()
        self._forms = [(needed, re.compile(it["pattern"])) for it in forms for needed in it["needs"]]
        self._needed = tuple(needed for needed, _ in self._forms)

    @staticmethod
    def _by_sign(beginnings: Iterable[str]) -> str:
        """One expression, by first sign: the engine then tries only those that begin with it."""
        by_sign: dict[str, list[str]] = {}
        for it in sorted(beginnings, key=lambda it: (-len(it), it)):
            by_sign.setdefault(it[0], []).append(re.escape(it[1:]))
        return "|".join(f"{re.escape(sign)}(?:{'|'.join(rests)})" for sign, rests in sorted(by_sign.items()))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets stand; two may overlap."""
        if any(run not in self._clean and not self.PLAIN.fullmatch(run) for run in self.RUN.findall(text)):
            yield from self._keys(text)
        if any(map(text.__contains__, self._needed)):
            for pattern in [it for needed, it in self._forms if needed in text]:
                yield from (it.span() for it in pattern.finditer(text))

    def _keys(self, text: str) -> Iterator[tuple[int, int]]:
        for run in self.RUN.finditer(text):
            keys = [it.span("key") for it in self._key.finditer(text, *run.span()) if self._is_one(it)]
            yield from keys
            if not keys and len(run[0]) <= self.CLEAN_CHARS:
                if len(self._clean) >= self.MAX_CLEAN:
                    self._clean.clear()
                self._clean.add(run[0])

    @classmethod
    def _is_one(cls, key: re.Match[str]) -> bool:
        return key["body"] is None or cls.NO_WORD.search(key["body"]) is not None

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
        for begin, stop in sorted(spans):
            if stop > end:
                start = max(begin, end)
                parts += [text[end:start], mask(text[start:stop])]
                end = stop
        return "".join((*parts, text[end:])) if parts else text
