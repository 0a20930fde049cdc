"""CODE-4. Earned by a project whose formatter ran before its check: unformatted output passed."""

import subprocess
import sys

import pytest

from .source import PROJECT

SEALED = ("src/harness", "tests/harness", "tests/support", "tools")
CHECKS = {
    "black": ("black", "--check", "--quiet", *SEALED),
    "ruff": ("ruff", "check", "--no-cache", *SEALED),
    "isort": ("isort", "--check-only", "--quiet", *SEALED),
}
"""The owner's code is held to the owner's own rules, by `make lint` alone."""


@pytest.mark.checklist("CODE-4")
@pytest.mark.parametrize("tool", CHECKS)
def test_what_the_template_wrote_passes(tool: str) -> None:
    command = [sys.executable, "-m", *CHECKS[tool]]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `nox -s format`\n{done.stdout}{done.stderr}"
