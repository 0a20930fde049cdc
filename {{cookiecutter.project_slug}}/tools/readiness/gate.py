"""The coverage gate, held against the data of the very run that the report is about."""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException

from .evidence import Evidence, Run

GATE_PERCENT = 95
"""Lowest total that the checklist accepts, percent of statements and branches (box TEST-2)."""


class CoverageGate:
    """Measures one run; a figure from another run or of a part of the tests is never shown."""

    NAME = "coverage of this run"
    # No report and no gate of pytest-cov's own: the figure is read and judged here.
    ARGUMENTS = ("--cov", "--cov-report=", "--cov-fail-under=0")

    def __init__(self, project: Path, data: Path) -> None:
        """Measures by the settings in `project`; the run writes what it covers to `data`."""
        self._settings = project / "pyproject.toml"
        self._data = data

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which the run must happen, so that it does not touch other data."""
        return {**os.environ, "COVERAGE_FILE": str(self._data)}

    def judge(self, run: Run, boxes: Sequence[str], *, has_passed: bool) -> Evidence:
        """What the run's coverage says for `boxes`; `has_passed` tells whether pytest was content."""
        if not run.is_whole:
            return self._evidence(boxes, "skipped", "Not measured: this run left tests out.")
        if not self._data.exists():
            return self._evidence(boxes, "skipped", "Not measured: coverage was off in this run.")
        if not has_passed:
            return self._evidence(boxes, "failed", "The tests did not all pass.")
        return self._compare(boxes)

    def _compare(self, boxes: Sequence[str]) -> Evidence:
        coverage = Coverage(data_file=str(self._data), config_file=str(self._settings))
        try:
            coverage.load()
            total = coverage.report(file=io.StringIO())
        except CoverageException as error:
            return self._evidence(boxes, "failed", f"The coverage data cannot be read: {error}")
        if not coverage.get_data().has_arcs():
            return self._evidence(boxes, "failed", "Branches were not counted: set branch = true.")
        gate = float(str(coverage.get_option("report:fail_under") or 0))
        if gate < GATE_PERCENT:
            reason = f"fail_under is {gate:g}: the checklist asks for {GATE_PERCENT} % or more."
            return self._evidence(boxes, "failed", reason)
        # Cut, not rounded: 94.99 is not 95.
        found = f"{int(total * 10) / 10:.1f} % of statements and branches, the gate is {gate:g} %."
        return self._evidence(boxes, "passed" if total >= gate else "failed", found)

    def _evidence(self, boxes: Sequence[str], outcome: str, reason: str) -> Evidence:
        return Evidence.model_validate(
            {
                "boxes": tuple(boxes),
                "name": self.NAME,
                "kind": "measurement",
                "outcome": outcome,
                "reason": reason,
            }
        )
