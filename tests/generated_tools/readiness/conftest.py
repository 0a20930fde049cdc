"""Runs the readiness report over small projects written for one test, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]

SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]
enable_assertion_pass_hook = true
pythonpath = ["src"]
markers = ["checklist(*ids): boxes", "exhaustive: minutes"]
[tool.coverage.run]
branch = true
"""


@dataclass
class Told:
    """What one run of the report left behind."""

    code: int
    out: str
    report: Mapping[str, Any] | None
    page: str

    def box(self, name: str) -> Mapping[str, Any]:
        """One box of the JSON file."""
        assert self.report is not None, self.out
        return next(box for box in self.report["boxes"] if box["id"] == name)

    def states(self, *names: str) -> list[str]:
        """The states of these boxes."""
        return [self.box(name)["state"] for name in names]


Readiness = Callable[..., Told]


@pytest.fixture(scope="session")
def readiness() -> Readiness:
    """Runs it over a folder: `readiness(folder, {"tests/test_a.py": text}, "-k", "name")`."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))
    }

    def run(folder: Path, files: Mapping[str, str], *arguments: str) -> Told:
        identity = {"name": "desk", "title": "Desk <script>", "description": "Answers."}
        defaults = {"pyproject.toml": SETTINGS, "src/app/project.json": json.dumps(identity)}
        for name, text in {**defaults, **files}.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "tools.readiness", *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(PROJECT), "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        report, page = folder / "readiness" / "report.json", folder / "readiness" / "report.html"
        if not report.exists():
            return Told(done.returncode, done.stdout, None, "")
        found = json.loads(report.read_text(encoding="utf-8"))
        return Told(done.returncode, done.stdout, found, page.read_text(encoding="utf-8"))

    return run
