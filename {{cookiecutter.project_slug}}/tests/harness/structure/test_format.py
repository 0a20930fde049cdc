"""CODE-4. Earned by a project whose formatter ran before its check: unformatted output passed."""

import subprocess
import sys

import pytest

from .source import PROJECT

CHECKS = {
    "black": ("black", "--check", "--quiet", "."),
    "ruff": ("ruff", "check", "--no-cache", "."),
    "isort": ("isort", "--check-only", "--quiet", "."),
}


@pytest.mark.checklist("CODE-4")
@pytest.mark.parametrize("tool", CHECKS)
def test_the_whole_project_passes(tool: str) -> None:
    command = [sys.executable, "-m", *CHECKS[tool]]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `nox -s format`\n{done.stdout}{done.stderr}"
