"""One run from the command line: pytest as a process of its own, then the report in every form."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from .checklist import Answers, Checklist
from .evidence import Run
from .gate import CoverageGate
from .markdown import MarkdownReport
from .origin import Origin
from .page import HtmlReport
from .report import Report
from .terminal import TerminalReport


class Session:
    """Runs the tests of one project and reports on them."""

    WHOLE_RUN: Final = (
        *("-n", "auto", "--dist", "loadgroup", "-m", "not exhaustive"),
        *CoverageGate.ARGUMENTS,
    )
    """What pytest is asked without arguments: the project's own test command, measured, and with it
    the tests that are marked as slow."""

    SLOW_TESTS: Final = {"TEST_CONTAINERS": "1"}
    """What it runs beyond that command: the tests that build and run the image."""

    RAN: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    """pytest came to its end; every other code means that it could not collect or broke off."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._checklist = Checklist.load()

    def main(self, arguments: Sequence[str]) -> int:
        """Runs, writes, prints; gives the exit code.

        0: nothing failed. 1: a box or another test failed. Otherwise pytest's own code: it could
        not run the tests, and no report is written because it would tell of tests that did not run.
        """
        known, pytest_arguments = self._parser().parse_known_args(arguments)
        with tempfile.TemporaryDirectory() as scratch:
            gate = CoverageGate(self._project, Path(scratch, "coverage"))
            file = Path(scratch, "evidence.json")
            code = self._run_pytest(file, gate, pytest_arguments)
            if code not in self.RAN or not file.exists():
                print(f"No readiness report: pytest stopped with code {code}.", file=sys.stderr)
                return code or pytest.ExitCode.INTERNAL_ERROR
            run = Run.model_validate_json(file.read_text(encoding="utf-8"))
            boxes = [
                box.id for group in self._checklist.groups for box in group.boxes if box.measured
            ]
            measured = gate.judge(run, boxes, has_passed=code == pytest.ExitCode.OK)
        run = run.model_copy(update={"evidence": (*run.evidence, measured)})
        report = Report.of(
            self._checklist, run, Answers.of(self._project), Origin.of(self._project)
        )
        self._write(report, known.out)
        print(f"Wrote report.html, report.md, report.json and schema.json to {known.out}")
        TerminalReport(report).print()
        return int(report.has_failed or code != pytest.ExitCode.OK)

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog="python -m tools.readiness",
            description="Reports which boxes of the production checklist the tests prove.",
            epilog="Everything else goes to pytest, in place of the whole run with coverage.",
            allow_abbrev=False,
        )
        out = self._project / "readiness"
        parser.add_argument("--out", type=Path, default=out, metavar="DIR", help="where to write")
        return parser

    def _run_pytest(self, file: Path, gate: CoverageGate, arguments: Sequence[str]) -> int:
        plugin = ("-p", "tools.readiness.plugin", f"--readiness-evidence={file}")
        command = [sys.executable, "-m", "pytest", "-q", *plugin, *(arguments or self.WHOLE_RUN)]
        environment = {**gate.environment, **self.SLOW_TESTS}
        done = subprocess.run(command, cwd=self._project, env=environment, check=False)
        return done.returncode

    @staticmethod
    def _write(report: Report, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "report.html": HtmlReport(report).text(),
            "report.md": MarkdownReport(report).text(),
            "report.json": report.model_dump_json(indent=2) + "\n",
            "schema.json": json.dumps(Report.model_json_schema(), indent=2) + "\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
