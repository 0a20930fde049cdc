"""The gate: the same run passes, a loss that is no chance fails with its p-value, what changed is named."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.evaluation.cases import Case
from harness.evaluation.disparity import Disparity
from harness.evaluation.gate import Baseline, Gate
from harness.evaluation.rows import Outcome, Row

from .conftest import case, cases

MODEL, PROMPTS = "embedded", {"planner": "1"}
SIXTY = cases(60, must=False)


def rows(checked: Sequence[Case], failed: Collection[int] = (), outcome: Outcome = "failed") -> list[Row]:
    return [Row(it.id, 0, it.kind, outcome if n in failed else "passed", "why") for n, it in enumerate(checked)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A baseline of sixty cases, all passed."""
    file = tmp_path / "baseline.json"
    Baseline.of(SIXTY, rows(SIXTY), PROMPTS).save(file, MODEL)
    return file


def gated(
    file: Path, checked: Sequence[Case], found: Sequence[Row], model: str = MODEL, prompts: dict[str, str] = PROMPTS
) -> Gate:
    gate = Gate()
    gate.judge(checked, found, [])
    gate.compare(file, model, Baseline.of(checked, found, prompts), checked, found)
    return gate


def test_the_same_run_passes(file: Path) -> None:
    gate = gated(file, SIXTY, rows(SIXTY))
    assert gate.problems == []
    assert "60 cases compared: 0 better, 0 worse, p = 1.0000; a loss of less than 10% of them would not be seen" in str(
        gate.notes
    )


def test_six_of_sixty_are_a_loss_and_five_are_not(file: Path) -> None:
    [problem] = gated(file, SIXTY, rows(SIXTY, range(6))).problems
    assert "6 worse, p = 0.0312" in problem
    assert "own/c5" in problem
    assert gated(file, SIXTY, rows(SIXTY, range(5))).problems == []
    one = gated(file, SIXTY, rows(SIXTY, [7]))
    assert (one.problems, "worse: own/c7" in one.notes) == ([], True)


def test_one_case_that_must_pass_is_enough(file: Path) -> None:
    checked = [*SIXTY, case(id="own/must", ask="must")]
    assert gated(file, checked, rows(checked, [60])).problems == ["own/must failed"]


def test_more_unmeasured_than_allowed_fails(file: Path) -> None:
    found = rows(SIXTY, [3], "not measured")
    gate = gated(file, SIXTY, found)
    assert gate.problems == ["1 not measured, 0 allowed: own/c3"]
    assert "not there any more, or not measured: own/c3" in gate.notes
    patient = Gate(most_unmeasured=1)
    patient.judge(SIXTY, found, [])
    assert patient.problems == []


def test_new_removed_and_changed_cases_are_named_and_not_compared(file: Path) -> None:
    changed = case(id="own/c0", ask="another question", must=False)
    checked = [changed, *SIXTY[2:], case(id="own/new", ask="new", must=False)]
    gate = gated(file, checked, rows(checked, [0, 59]))
    assert gate.problems == []
    assert {"changed, not compared: own/c0", "new, not compared: own/new"} < {*gate.notes}
    assert "not there any more, or not measured: own/c1" in gate.notes
    assert "58 cases compared" in str(gate.notes)


def test_a_changed_prompt_is_named_beside_the_comparison(file: Path) -> None:
    gate = gated(file, SIXTY, rows(SIXTY), prompts={"planner": "2", "own": "1"})
    assert "compared across a changed prompt: planner 1 -> 2" in gate.notes
    assert "compared across a changed prompt: own none -> 1" in gate.notes


def test_another_model_has_no_baseline_and_every_failure_counts(file: Path) -> None:
    gate = gated(file, SIXTY, rows(SIXTY, [3]), model="openai:other")
    assert gate.problems == ["own/c3 failed"]
    [note] = gate.notes
    assert note.startswith("no baseline of the model openai:other; there is one of embedded, which is not compared")


def test_a_baseline_of_each_model_is_kept(file: Path) -> None:
    Baseline.of(SIXTY, rows(SIXTY, [1]), PROMPTS).save(file, "openai:other")
    assert Baseline.load(file).keys() == {MODEL, "openai:other"}
    assert Baseline.load(file)["openai:other"].cases["own/c1"][1] == 0.0
    assert gated(file, SIXTY, rows(SIXTY, [1]), model="openai:other").problems == []


@pytest.mark.parametrize("text", ["{", "<<<<<<< HEAD", '{"m": {"odd": 1}}', "[]"])
def test_a_baseline_that_cannot_be_read_is_named(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="baseline.json: it cannot be read"):
        Baseline.load(file)


def test_groups_that_are_not_served_alike_fail() -> None:
    gate = Gate()
    unequal = Disparity("country", "served", {"Spain": 1.0, "Japan": 0.5}, {"Spain": 4, "Japan": 4}, 0.5, 0.5, None)
    unknown = Disparity("gender", "all", {}, {}, 0, 0, None, "no answer")
    equal = Disparity("age", "served", {"old": 1.0, "young": 0.9}, {"old": 9, "young": 9}, 0.1, 0.9, None)
    gate.judge([], [], [unequal, unknown, equal])
    assert gate.problems == [
        "disparity by country: served: Japan gets 0.500 of what Spain gets",
        "disparity by gender: not measured: no answer",
    ]
