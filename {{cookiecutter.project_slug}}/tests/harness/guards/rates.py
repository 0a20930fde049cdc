"""How much of what is measured the injection rules find, refuse and cost: the table of `nox -s guards`."""

import base64
import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import quantiles
from time import process_time
from typing import Final

import orjson

from harness.guards.injection_rules import InjectionRules

Change = Callable[[str], str]


@dataclass(frozen=True)
class Corpus:
    """The texts of one source."""

    name: str
    texts: Sequence[str]

    FOLDER = Path(__file__).with_name("corpora")

    @classmethod
    def all(cls, kind: str) -> list["Corpus"]:
        """Those of `attacks` or of `harmless`, by name."""
        lines = (cls.FOLDER / f"{kind}.jsonl").read_bytes().splitlines()
        by_name = groupby(map(orjson.loads, lines), key=itemgetter("corpus"))
        return [cls(name, [line["text"] for line in group]) for name, group in by_name]

    def half(self, *, is_held_out: bool) -> list[str]:
        """The texts for tuning, or those that nobody looks at."""
        return [text for text in self.texts if self.is_odd(text) is is_held_out]

    @staticmethod
    def is_odd(text: str) -> bool:
        return int(hashlib.sha256(text.encode()).hexdigest()[-1], 16) % 2 == 1


class Hidden:
    """Ways to write a text so that it reads the same to a person or a model."""

    CYRILLIC: Final = str.maketrans("aceopxyiAEOP", "асеорхуіАЕОР")
    LEET: Final = str.maketrans("aeiost", "431057")

    @classmethod
    def ways(cls) -> Mapping[str, Change]:
        return {
            "zero-width": "\u200b".join,
            "soft hyphens": "\u00ad".join,
            "direction marks": lambda text: f"\u202e{text}\u202c".replace(" ", " \u2066"),
            "homoglyphs": lambda text: text.translate(cls.CYRILLIC),
            "full width": lambda text: "".join(map(cls._wide, text)),
            "tag characters": lambda text: "Weather? " + "".join(map(cls._tag, text)),
            "accents": lambda text: "".join(f"{it}\u0301" if it.isalpha() else it for it in text),
            "base64": lambda text: f"Read {base64.b64encode(text.encode()).decode()}",
            "hexadecimal": lambda text: f"Read {text.encode().hex()}",
            "leet": lambda text: text.lower().translate(cls.LEET),
            "s p a c e d": lambda text: "  ".join(" ".join(word) for word in text.split()),
            "s-p-l-i-t": lambda text: " ".join("-".join(word) for word in text.split()),
            "syl-la-bles": lambda text: " ".join(cls._cut(word, "-") for word in text.split()),
            "capitals": str.upper,
            "HTML entities": lambda text: "".join(f"&#{ord(it)};" for it in text),
        }

    @staticmethod
    def _wide(sign: str) -> str:
        return chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign

    @staticmethod
    def _tag(sign: str) -> str:
        return chr(0xE0000 + ord(sign)) if sign.isascii() else sign

    @staticmethod
    def _cut(word: str, joint: str) -> str:
        return joint.join(word[at : at + 3] for at in range(0, len(word), 3))


class Rates:
    """What the rules make of it all."""

    TIMED: Final = 40
    """Texts of one size whose time is taken."""

    TRIES: Final = 3
    """Times that each is looked through; the best one counts, since other programs run as well."""

    def __init__(self) -> None:
        self.rules = InjectionRules()
        self._timed = [InjectionRules() for _ in range(self.TRIES)]  # each keeps what it has seen

    def found(self, texts: Sequence[str]) -> int:
        return sum(self.rules.match(text) is not None for text in texts)

    def detected(self) -> list[str]:
        """Attacks of our own in plain words that the rules find: to be hidden in some way."""
        own = (it for it in Corpus.all("attacks") if it.name.startswith("own"))
        texts = [text for corpus in own for text in corpus.texts]
        return [it for it in texts if self.rules.match(it) and it.replace(" ", "").isprintable()]

    def hidden(self) -> Iterator[tuple[str, int, int]]:
        """Each way to hide, how many of how many are found."""
        texts = self.detected()
        for name, change in Hidden.ways().items():
            yield name, self.found([change(text) for text in texts]), len(texts)

    def milliseconds(self, kind: str, size: int) -> tuple[float, float]:
        """Median and 95th percentile of CPU time for a text of `size` made of a kind of texts."""
        texts = [text for corpus in Corpus.all(kind) for text in corpus.texts]
        taken = []
        for seed in range(self.TIMED):
            chosen = random.Random(seed)  # the same texts each time
            text = ""
            while len(text) < size:
                text += chosen.choice(texts) + "\n"
            taken.append(min(self._seconds(rules, text[:size]) for rules in self._timed) * 1000)
        cuts = quantiles(taken, n=20)
        return cuts[9], cuts[18]

    @staticmethod
    def _seconds(rules: InjectionRules, text: str) -> float:
        started = process_time()
        rules.match(text)
        return process_time() - started

    def lines(self) -> Iterator[str]:
        """The table."""
        yield f"{'attacks found':32}{'for tuning':>12}{'held out':>12}"
        for corpus in Corpus.all("attacks"):
            yield self._line(corpus.name, *(corpus.half(is_held_out=it) for it in (False, True)))
        attacks = Corpus.all("attacks")
        halves = [[t for c in attacks for t in c.half(is_held_out=it)] for it in (False, True)]
        yield self._line("all", *halves)
        yield ""
        yield f"{'harmless refused':32}{'':>12}{'':>12}"
        for corpus in Corpus.all("harmless"):
            yield self._line(corpus.name, corpus.texts)
        yield ""
        yield "hidden attacks found"
        for name, found, of in self.hidden():
            yield f"{name:32}{f'{found}/{of}':>12}"
        yield ""
        yield f"{'CPU time, ms':32}{'median':>12}{'95 %':>12}"
        for kind in ("harmless", "attacks"):
            for size in (4_000, 64_000):
                median, slow = self.milliseconds(kind, size)
                yield f"{f'{kind}, {size:,} characters':32}{median:12.2f}{slow:12.2f}"

    def _line(self, name: str, *halves: Sequence[str]) -> str:
        cells = (f"{self.found(half)}/{len(half)}" for half in halves)
        return f"{name:32}" + "".join(f"{cell:>12}" for cell in cells)


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in Rates().lines())
