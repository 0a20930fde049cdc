"""How many faithful answers pass the output guard, and how many invented ones are withheld: by rules alone."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pytest
from harness.guards.leaks import Leaks
from harness.guards.output import OutputGuard, OutputPolicy
from harness.telemetry.redaction import Redactor

TURNS: Final = tomllib.loads(Path(__file__).with_name("answers.toml").read_text(encoding="utf-8"))["turns"]
LEAST: Final = {"faithful": 28, "invented": 26}
"""Of the 30 in each half: a little under what was reached on 2026-11-30."""
JUDGED: Final = {"faithful": 28, "invented": 28}
ERRS_ONCE_IN: Final = 12
"""Answers of which the scripted judge takes one for the other: a guess at a good model."""


class Rates:
    """The output guard over one half of the set."""

    POLICY: Final = OutputPolicy(Leaks([], Redactor()))

    def __init__(self, half: str) -> None:
        self.turns = [it for it in TURNS if it["half"] == half]

    def right(self, kind: str, *, is_judged: bool = False) -> tuple[list[str], list[str]]:
        """The answers of a `kind` that were treated rightly, and the others; with a scripted judge after the rules."""
        right: list[str] = []
        wrong: list[str] = []
        for turn, answer in self._answers(kind):
            guard = OutputGuard(self.POLICY, turn["question"], [json.loads(turn["facts"])], language=turn["language"])
            is_withheld = guard.violation(answer) is not None or (is_judged and self._is_rejected(kind, answer))
            named = f"{answer} {guard.unsupported(answer)}"
            (right if is_withheld == (kind == "invented") else wrong).append(named)
        return right, wrong

    @staticmethod
    def _is_rejected(kind: str, answer: str) -> bool:
        """What a judge says that knows the label, and errs now and then, always at the same ones."""
        is_wrong = crc32(answer.encode()) % ERRS_ONCE_IN == 0
        return (kind == "invented") != is_wrong

    def _answers(self, kind: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        return ((turn, answer) for turn in self.turns for answer in turn[kind])


@pytest.mark.parametrize("half", ["tuned", "held_out"])
@pytest.mark.parametrize("kind", ["faithful", "invented"])
def test_answers_are_told_apart(half: str, kind: str) -> None:
    right, wrong = Rates(half).right(kind)
    total = len(right) + len(wrong)
    print(f"\n{half}: {kind} answers {'let through' if kind == 'faithful' else 'withheld'}: {len(right)} of {total}")
    assert total == 30
    assert len(right) >= LEAST[kind], wrong


@pytest.mark.parametrize("half", ["tuned", "held_out"])
@pytest.mark.parametrize("kind", ["faithful", "invented"])
def test_a_judge_adds_what_rules_do_not_read(half: str, kind: str) -> None:
    right, wrong = Rates(half).right(kind, is_judged=True)
    print(
        f"\n{half}, with a judge that errs once in {ERRS_ONCE_IN}: {kind} answers treated rightly: {len(right)} of 30"
    )
    assert len(right) >= JUDGED[kind] - 30 // ERRS_ONCE_IN, wrong
