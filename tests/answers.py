"""Answers to try: texts that are legal but hostile, and pairwise rows over every closed question."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.questions import Questions

HOSTILE_SENTENCE = (
    "Responde «¿qué tiempo hace?» & \"¿a cómo está el dólar?\": c'est déjà l'été; "
    "100 % #1 \\o/ <b>no</b> ${HOME} $(x) `y` 🚀 "
)
LONGEST_DESCRIPTION = (HOSTILE_SENTENCE * 5)[:399] + "."

# Name -> the text answers that it gives; every other question keeps its default.
TEXTS: dict[str, dict[str, str]] = {
    "plain": {},
    "quotes": {
        "project_name": 'Ana\'s "Desk" \\ #1: café 🚀',
        "description": LONGEST_DESCRIPTION,
        "author_name": 'Zoë O\'Brien "Bob" \\n # x: y',
        "author_email": "o'brien+agents@mail.example.co.uk",
    },
    "markup": {
        "project_name": "- [x] <b>&amp;</b> *yes*: ~ | `null` _a_ @you !tag %d $1",
        "project_slug": "no",
        "description": "# null: {} [] > | & * ! % @ ` $ { } = ' \" \\",
        "author_name": "@Ñandú & Söhne, Inc. (\\u0041)",
        "repository_url": "https://git.example.com:8443/~team/no_1.0/",
    },
    "longest": {
        "project_name": "Información del día: tiempo, noticias y divisas — Bogotá, ñu",
        "project_slug": "a" * 30 + "-" + "9" * 29,
        "author_name": "x" * 60,
        "author_email": "a" * 64 + "@example.com",
    },
}


def pairwise(options: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Few rows in which every pair of answers of every two questions meets at least once; the same rows every time."""
    names = list(options)
    pairs = {
        ((one, a), (two, b))
        for one, two in itertools.combinations(names, 2)
        for a in options[one]
        for b in options[two]
    }
    while pairs:
        row: dict[str, Any] = dict(min(pairs, key=repr))
        for name in names:
            if name not in row:
                row[name] = max(options[name], key=lambda answer: _newly_met(row | {name: answer}, names, pairs))
        yield {name: row[name] for name in names}
        pairs -= set(itertools.combinations(((name, row[name]) for name in names), 2))


def _newly_met(row: dict[str, Any], names: list[str], pairs: set[Any]) -> int:
    met = itertools.combinations(((name, row[name]) for name in names if name in row), 2)
    return sum(pair in pairs for pair in met)


def rows(questions: Questions) -> dict[str, dict[str, Any]]:
    """Readable id -> answers, for every pairwise row over the choices and the texts."""
    options = {"texts": list(TEXTS), **questions.choices()}
    named = {}
    for row in pairwise(options):
        texts = TEXTS[row.pop("texts")]
        name = "-".join(str(value).lower() for value in row.values())
        kind = next(key for key, value in TEXTS.items() if value is texts)
        named[f"{kind}-{name}"] = texts | row
    return named
