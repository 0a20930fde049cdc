"""The readiness report: which boxes of the production checklist this project proves, and by which tests.

`python -m tools.readiness` runs all tests and writes `readiness/`; with arguments of pytest, those tests alone. A test
names its boxes: `@pytest.mark.checklist("OBS-5")`, on a function, a class or a module. What asserts is an `assert` in
the test's own run that holds more than a constant; one in a fixture or in a module that pytest does not rewrite is not
seen, and `pytest.raises` alone is none. Exit code 0: nothing failed; 1: a box or another test failed, or a box was
lost. Any other is pytest's own, which could not run the tests: no report is written.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import pytest
import yaml
from coverage import Coverage
from coverage.exceptions import CoverageException

from .plugin import Box, Recorder, Result
from .report import BoxReport, Report, page

PACKAGES: Final = ("app", "harness")

GATE_PERCENT: Final = 95
"""Lowest total that the checklist accepts for each package, percent of statements and branches (box TEST-2)."""

# Without arguments: all suites, those marked as slow too, measured; the figures are read and judged here.
WHOLE_RUN: Final = (
    *("tests", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "not exhaustive"),
    *("--cov-report=", "--cov-fail-under=0", *(f"--cov={package}" for package in PACKAGES)),
)


def main(project: Path, arguments: Sequence[str]) -> int:
    """Runs, writes, prints; gives the exit code."""
    recorder, figures = Recorder(), []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        # Nobody else's data; and the tests that build and run the image are asked for too.
        os.environ |= {"COVERAGE_FILE": f"{scratch}/coverage", "TEST_CONTAINERS": "1"}
        command = ["-q", "-p", "tools.readiness.plugin", *(arguments or WHOLE_RUN)]
        code = pytest.main(command, plugins=[recorder])
        if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            print(f"No readiness report: pytest stopped with code {code:d}.", file=sys.stderr)
            return code
        if not arguments:
            figures = list(measure(project, os.environ["COVERAGE_FILE"]))
    results = sorted([*recorder.results.values(), *figures], key=lambda it: (it.rank, it.name))
    file = project / ".copier-answers.yml"
    answers = yaml.safe_load(file.read_bytes()) if file.exists() else {}
    boxes = [
        BoxReport.judge(box, [it for it in results if name in it.boxes], answers, not arguments)
        for name, box in Box.load_all().items()
    ]
    title = json.loads((project / "src/app/project.json").read_bytes())["title"]
    describe = ("git", "-C", str(project), "describe", "--always", "--dirty", "--tags")
    version = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()
    report = Report(title, version, not arguments, boxes, sorted(recorder.other_failures))
    folder = project / "readiness"
    folder.mkdir(exist_ok=True)
    written = json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(written, encoding="utf-8", newline="\n")
    (folder / "report.html").write_text(page(report), encoding="utf-8", newline="\n")
    lines = [*(f"{it.name}: {it.reason}" for it in figures), *report.lines()]
    print("\n".join([f"Wrote report.html and report.json to {folder}", *lines]))
    return int(report.has_failed or code != pytest.ExitCode.OK)


def measure(project: Path, data: str) -> Iterator[Result]:
    """How much of the owner's code and of the harness the run covered, each for itself."""
    boxes = [box.id for box in Box.load_all().values() if box.measured]
    for package in PACKAGES:
        coverage, percent = Coverage(data, config_file=f"{project}/pyproject.toml"), 0.0
        try:
            coverage.load()
            total = coverage.report(file=io.StringIO(), include=f"{project}/src/{package}/*")
            percent = int(total * 10) / 10  # cut, not rounded: 94.99 is not 95
            found = f"{percent:.1f} % of statements and branches, the gate is {GATE_PERCENT} %."
        except CoverageException as error:
            found = f"The coverage data cannot be read: {error}"
        if not coverage.get_data().has_arcs():
            percent, found = 0, "Branches were not counted: set branch = true."
        result = Result(f"coverage of src/{package}", boxes, "failed", found, is_measured=True)
        yield replace(result, outcome="passed") if percent >= GATE_PERCENT else result


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # an old console may not show every reason
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main(Path.cwd(), sys.argv[1:]))
