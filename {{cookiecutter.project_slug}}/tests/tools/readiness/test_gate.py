import shutil
import subprocess
import sys
from collections.abc import Mapping
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


@pytest.mark.checklist("TEST-2")
@pytest.mark.parametrize(
    ("covered", "exit_code"), [(True, pytest.ExitCode.OK), (False, pytest.ExitCode.TESTS_FAILED)]
)
def test_the_projects_test_command_refuses_a_package_with_untested_branches(
    tmp_path: Path, clean_environment: Mapping[str, str], covered: bool, exit_code: int
) -> None:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "answer.py").write_text(MODULE)
    (tmp_path / "tests").mkdir()
    second = '    assert answer(2) == "many"\n' if covered else ""
    test = 'from app.answer import answer\n\n\ndef test_answer():\n    assert answer(1) == "one"\n'
    (tmp_path / "tests" / "test_answer.py").write_text(test + second)
    # What `nox -s test` runs, in one process and with the plugins that the settings ask for.
    plugins = ("-p", "pytest_cov", "-p", "pytest_socket", "-p", "pytest_asyncio.plugin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--cov"],
        cwd=tmp_path,
        env=dict(clean_environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert ("less than fail-under=95" in done.stdout) is not covered


@pytest.mark.checklist("TEST-2")
def test_the_test_session_runs_with_the_gate() -> None:
    noxfile = (PROJECT / "noxfile.py").read_text(encoding="utf-8")
    session = noxfile.partition("def test(")[2].partition("@nox.session")[0]
    assert '"--cov"' in session
    assert "--no-cov" not in session
