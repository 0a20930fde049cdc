"""How many kinds of secrets pass the log and the answer, and how many harmless sentences are refused."""

import random
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.guards.leaks import Leaks
from harness.telemetry.redaction import Redactor

from tools.secret_rules import Beginnings

SETS = tomllib.loads(Path(__file__).with_name("secrets.toml").read_text(encoding="utf-8"))
SIGNS = {
    "hex": string.digits + "abcdef",
    "b62": string.ascii_letters + string.digits,
    "b64": string.ascii_letters + string.digits + "+/",
    "url": string.ascii_letters + string.digits + "-_",
    "low": string.ascii_lowercase + string.digits,
    "upp": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "dig": string.digits,
}
MADE = re.compile(r"\{(\w+):(\d+)\}")
SEEDS = 5
"""Values of each kind: one passes where one of them does."""


def made(template: str, seed: int) -> tuple[str, str]:
    """A text with its secret, and what of it may not be left."""
    chance = random.Random(f"{template} {seed}")
    values: list[str] = []

    def fill(place: re.Match[str]) -> str:
        values.append("".join(chance.choices(SIGNS[place[1]], k=int(place[2]))))
        return values[-1]

    text = MADE.sub(fill, template)
    return text, max(values, key=len)


def passing(half: str) -> Iterator[tuple[str, bool, bool]]:
    """Each kind that passes one of the two: its name, whether it passes the log, and the answer."""
    redactor = Redactor()
    leaks = Leaks([], redactor)
    for kind, template in SETS[half].items():
        texts = [made(template, seed) for seed in range(SEEDS)]
        log = any(value in redactor.text(text) for text, value in texts)
        answer = any(leaks.find(text) != "secret" for text, _ in texts)
        if log or answer:
            yield kind, log, answer


@pytest.mark.parametrize(("half", "most"), [("tuned", 0), ("other", 3), ("third", 12)])
def test_kinds_of_secrets_that_pass(half: str, most: int) -> None:
    passed = list(passing(half))
    both = [kind for kind, log, answer in passed if log and answer]
    logs, answers = [k for k, log, _ in passed if log], [k for k, _, answer in passed if answer]
    print(f"\nsecrets, {half}: of {len(SETS[half])} pass the log {logs}, the answer {answers}, both {both}")
    assert len(both) <= most
    assert len(logs) <= most
    assert len(answers) <= most


@pytest.mark.parametrize("half", ["tuned", "other"])
def test_harmless_sentences_are_not_refused(half: str) -> None:
    leaks = Leaks([], Redactor())
    refused = [text for text in SETS["harmless"][half] if leaks.find(text)]
    print(f"\nharmless, {half}: refused of {len(SETS['harmless'][half])}: {refused}")
    assert not refused


@pytest.mark.parametrize(
    ("expression", "beginnings"),
    [
        (r"\b(glpat-[\w-]{20})(?:\\?['\"\x60]|[\s;]|$)", {"glpat-"}),
        (r"\b((?:sk|rk)_(?:test|live)_[a-zA-Z0-9]{16,99})\b", {"sk_test_", "sk_live_", "rk_test_", "rk_live_"}),
        (r"\b(sntrys_eyJpYXQiO[a-zA-Z0-9+/]{10,200}[a-z]{8})", {"sntrys_"}),
        (r"(?i)(?:kagi)(?:[ \t\w.-]{0,20})[\s'\"]{0,3}(?:=|>|:{1,3}=|,)([a-z0-9]{32})\b", set()),
        (r"(?i)(?:plaid)(?:[ \t]{0,20})(?:=|>|:{1,3}=|,)(access-prod-[a-z0-9]{32})\b", {"access-prod-"}),
        (r"(?:ghu|ghs)_[0-9a-zA-Z]{36}", {"ghu_", "ghs_"}),
        (r"\bdapi[a-f0-9]{32}\b", {"dapi"}),
        (r"\bkey[a-f0-9]{4}\b", set()),
    ],
)
def test_the_tool_reads_how_keys_begin(expression: str, beginnings: set[str]) -> None:
    assert set(Beginnings(expression).read()) == beginnings
