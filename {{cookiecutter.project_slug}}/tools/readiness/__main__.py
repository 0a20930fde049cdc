"""`python -m tools.readiness [--out DIR] [pytest arguments]`: runs the tests of this folder, writes the report."""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest
import yaml
from coverage import Coverage
from coverage.exceptions import CoverageException

from .checklist import Box
from .page import Page
from .plugin import Recorder, Result
from .report import BoxReport, Report

PACKAGES: Final = ("app", "harness")

# All suites, those that are marked as slow too, measured; the figures are read and judged here.
WHOLE_RUN: Final = (
    *("tests", "-n", "auto", "--dist", "loadgroup", "-m", "not exhaustive"),
    *("--cov-report=", "--cov-fail-under=0", *(f"--cov={package}" for package in PACKAGES)),
)

GATE_PERCENT: Final = 95
"""Lowest total that the checklist accepts for each package, percent of statements and branches (box TEST-2)."""


class Session:
    """Runs the tests of one project and reports on them."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def run(self, out: Path, arguments: Sequence[str]) -> int:
        """Runs, writes, prints; gives the exit code.

        0: nothing failed. 1: a box or another test failed, or a box was lost. Otherwise pytest's own code:
        it could not run the tests, and no report is written because it would tell of tests that did not run.
        """
        recorder = Recorder()
        figures: list[Result] = []
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            # Nobody else's data; and the tests that build and run the image are asked for too.
            os.environ |= {"COVERAGE_FILE": f"{scratch}/coverage", "TEST_CONTAINERS": "1"}
            command = ["-q", "-p", "tools.readiness.plugin", *(arguments or WHOLE_RUN)]
            code = pytest.main(command, plugins=[recorder])
            if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
                print(f"No readiness report: pytest stopped with code {code:d}.", file=sys.stderr)
                return code
            is_whole = not arguments and not recorder.is_cut
            if is_whole:
                figures = list(self._coverage(os.environ["COVERAGE_FILE"]))
        report = self._report([*recorder.results.values(), *figures], recorder, is_whole=is_whole)
        out.mkdir(parents=True, exist_ok=True)
        written = json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"
        for name, text in (("report.json", written), ("report.html", Page(report).text())):
            (out / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"Wrote report.html and report.json to {out}")
        print("\n".join([*(f"{it.name}: {it.reason}" for it in figures), *report.lines()]))
        return int(report.has_failed or code != pytest.ExitCode.OK)

    def _coverage(self, data: str) -> Iterator[Result]:
        """How much of the owner's code and of the harness the run covered, each for itself."""
        boxes = [box.id for box in Box.load_all().values() if box.measured]
        for package in PACKAGES:
            only = f"{self._project}/src/{package}/*"
            coverage = Coverage(data, config_file=f"{self._project}/pyproject.toml")
            try:
                coverage.load()
                # Cut, not rounded: 94.99 is not 95.
                percent = int(coverage.report(file=io.StringIO(), include=only) * 10) / 10
                found = f"{percent:.1f} % of statements and branches, the gate is {GATE_PERCENT} %."
            except CoverageException as error:
                percent, found = 0, f"The coverage data cannot be read: {error}"
            if not coverage.get_data().has_arcs():
                percent, found = 0, "Branches were not counted: set branch = true."
            result = Result(f"coverage of src/{package}", boxes, "failed", found, is_measured=True)
            if percent >= GATE_PERCENT:
                result.outcome = "passed"
            yield result

    def _report(self, results: Sequence[Result], recorder: Recorder, *, is_whole: bool) -> Report:
        answers_file = self._project / ".copier-answers.yml"
        answers = yaml.safe_load(answers_file.read_bytes()) if answers_file.exists() else {}
        results = sorted(results, key=lambda result: (result.rank, result.name))
        boxes = []
        for box in Box.load_all().values():
            tests = [result for result in results if box.id in result.boxes]
            boxes.append(BoxReport.judge(box, tests, answers, is_whole=is_whole))
        project = json.loads((self._project / "src/app/project.json").read_bytes())
        git = ("git", "-C", str(self._project), "describe", "--always", "--dirty", "--tags")
        try:
            version = subprocess.run(git, capture_output=True, text=True, check=False).stdout
        except OSError:  # no git
            version = ""
        others = sorted(recorder.other_failures)
        return Report(project["title"], version.strip(), is_whole, boxes, others)


def main(arguments: Sequence[str]) -> int:
    """Reads the command line and runs; the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # an old console may not show every reason
        sys.stdout.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(
        prog="python -m tools.readiness",
        description="Reports which boxes of the production checklist the tests prove.",
        epilog="Everything else goes to pytest, in place of the whole run with coverage.",
        allow_abbrev=False,
    )
    out = Path("readiness")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help="where to write")
    known, for_pytest = parser.parse_known_args(arguments)
    return Session(Path.cwd()).run(known.out.absolute(), for_pytest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
