from pathlib import Path
from typing import Any

import pytest

UNKNOWN = """
import pytest

@pytest.mark.checklist("OBS-55", "obs-1")
def test_one():
    assert 1 + 1 == 2
"""

EMPTY = """
import pytest

@pytest.mark.checklist
def test_one():
    assert 1 + 1 == 2
"""


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "worker"])
def test_an_unknown_id_is_refused_and_the_near_ones_named(
    run_pytest: Any, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "test_suite.py").write_text(UNKNOWN)
    done = run_pytest(tmp_path, *workers)
    said = done.stdout + done.stderr
    assert done.returncode == (
        pytest.ExitCode.TESTS_FAILED if workers else pytest.ExitCode.USAGE_ERROR
    )
    assert "test_suite.py::test_one: the checklist has no box 'OBS-55'; did you mean OBS-5" in said
    assert "no box 'obs-1'; did you mean OBS-1" in said
    assert "1 passed" not in said


def test_a_mark_without_an_id_stops_the_run(run_pytest: Any, tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(EMPTY)
    done = run_pytest(tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert 'write @pytest.mark.checklist("ID") with one or more ids' in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("ini", "arguments"),
    [
        ("[pytest]\nmarkers = checklist: boxes\n", ()),
        ("[pytest]\nenable_assertion_pass_hook = true\n", ("--assert=plain",)),
    ],
    ids=["hook off", "no rewriting"],
)
def test_a_run_that_cannot_count_assertions_is_refused(
    run_pytest: Any, tmp_path: Path, ini: str, arguments: tuple[str, ...]
) -> None:
    done = run_pytest(tmp_path, "--readiness-evidence=run.json", *arguments, ini=ini)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "The readiness report counts assertions" in done.stderr
    assert not (tmp_path / "run.json").exists()
