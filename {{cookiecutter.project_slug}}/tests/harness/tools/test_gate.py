"""The gate of the test command: a package with untested branches is refused (TEST-2)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]

MODULE = """
def answer(number: int) -> str:
    if number > 1:
        return "many"
    return "one"
"""


@pytest.fixture
def clean_environment() -> Mapping[str, str]:
    """The environment without what this very run has put there for its own children."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))
    }
    return {**inherited, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


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
