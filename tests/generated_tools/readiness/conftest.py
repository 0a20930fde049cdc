"""Runs the readiness plugin over small suites written for one test, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]

SETTINGS = """
[pytest]
addopts = --import-mode=importlib
enable_assertion_pass_hook = true
markers = checklist(*ids): boxes
"""

PytestRun = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def clean_environment() -> Mapping[str, str]:
    """The environment without what this very run has put there for its own children."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))
    }
    return {**inherited, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture(scope="session")
def run_pytest(clean_environment: Mapping[str, str]) -> PytestRun:
    """Runs pytest with the plugin over a folder: `run_pytest(folder, "-k", "name", ini=...)`."""

    def run(folder: Path, *arguments: str, ini: str = SETTINGS) -> subprocess.CompletedProcess[str]:
        (folder / "pytest.ini").write_text(ini, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, "-p", "tools.readiness.plugin", *arguments],
            cwd=folder,
            env=dict(clean_environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    return run
