"""The coverage gate judges only what the very run has measured."""

from pathlib import Path

import pytest
from coverage import CoverageData

from tools.readiness.evidence import Run
from tools.readiness.gate import CoverageGate

PROJECT = Path(__file__).resolve().parents[3]
WHOLE = Run(is_whole=True)

MODULE = """
def answer(number: int) -> str:
    if number > 1:
        return "many"
    return "one"
"""


class Measured:
    """A folder with one module, its settings and what a run of it covered."""

    def __init__(self, folder: Path, *, branches: bool, fail_under: int) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.module = folder / "answer.py"
        self.module.write_text(MODULE)
        settings = f"[tool.coverage.run]\nbranch = {str(branches).lower()}\n"
        settings += f"[tool.coverage.report]\nfail_under = {fail_under}\n"
        (folder / "pyproject.toml").write_text(settings)

    @property
    def gate(self) -> CoverageGate:
        return CoverageGate(self.folder, self.data)

    def cover(self, arcs: list[tuple[int, int]]) -> None:
        data = CoverageData(str(self.data))
        data.add_arcs({str(self.module): arcs})
        data.write()

    def cover_lines(self) -> None:
        data = CoverageData(str(self.data))
        data.add_lines({str(self.module): [2, 3, 4, 5]})
        data.write()


EVERYTHING = [(-1, 2), (2, -1), (-2, 3), (3, 4), (4, -2), (3, 5), (5, -2)]


def test_a_whole_run_over_the_gate_passes_with_its_figure(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=True, fail_under=95)
    measured.cover(EVERYTHING)
    found = measured.gate.judge(WHOLE, ["TEST-2"], has_passed=True)
    assert (found.outcome, found.kind) == ("passed", "measurement")
    assert found.reason == "100.0 % of statements and branches, the gate is 95 %."
    assert not found.proves


def test_a_run_below_the_gate_fails_with_its_figure(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=True, fail_under=95)
    measured.cover(EVERYTHING[:5])
    found = measured.gate.judge(WHOLE, ["TEST-2"], has_passed=True)
    assert found.outcome == "failed"
    assert found.reason == "66.6 % of statements and branches, the gate is 95 %."


def test_a_lowered_gate_fails_whatever_was_covered(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=True, fail_under=90)
    measured.cover(EVERYTHING)
    found = measured.gate.judge(WHOLE, ["TEST-2"], has_passed=True)
    assert (found.outcome, found.reason[:17]) == ("failed", "fail_under is 90:")


def test_lines_without_branches_fail(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=False, fail_under=95)
    measured.cover_lines()
    found = measured.gate.judge(WHOLE, ["TEST-2"], has_passed=True)
    assert found.outcome == "failed"
    assert "branch = true" in found.reason


def test_data_that_cannot_be_read_fail(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=True, fail_under=95)
    measured.data.write_text("no database")
    found = measured.gate.judge(WHOLE, ["TEST-2"], has_passed=True)
    assert found.outcome == "failed"
    assert "cannot be read" in found.reason


def test_a_suite_that_does_not_pass_fails_whatever_was_covered(tmp_path: Path) -> None:
    measured = Measured(tmp_path, branches=True, fail_under=95)
    measured.cover(EVERYTHING)
    assert measured.gate.judge(WHOLE, ["TEST-2"], has_passed=False).outcome == "failed"


@pytest.mark.parametrize(
    ("is_whole", "reason"),
    [
        (False, "Not measured: this run left tests out."),
        (True, "Not measured: coverage was off in this run."),
    ],
)
def test_no_figure_is_shown_that_was_not_measured(
    tmp_path: Path, is_whole: bool, reason: str
) -> None:
    gate = Measured(tmp_path, branches=True, fail_under=95).gate
    found = gate.judge(Run(is_whole=is_whole), ["TEST-2"], has_passed=True)
    assert (found.outcome, found.reason) == ("skipped", reason)
