"""Gathers evidence while the tests run, in one process or in several (pytest-xdist)."""

import ast
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from .checklist import Checklist
from .evidence import Evidence, Run

REASON_MAX_CHARS: Final = 240
"""Longest reason shown, characters: about three lines of the report."""


def ids_of(item: pytest.Item) -> list[Any]:
    """The ids that a test, its class and its module carry, as given, each once."""
    return list(
        dict.fromkeys(given for mark in item.iter_markers("checklist") for given in mark.args)
    )


@cache
def is_constant(expression: str) -> bool:
    """True for `True`, `1`, `"text"`: an assertion that could not have failed."""
    try:
        return isinstance(ast.parse(expression.strip(), mode="eval").body, ast.Constant)
    except SyntaxError:  # a line of a longer statement, so no constant
        return False


class Recorder:
    """Counts assertions where the tests run; what it finds travels with pytest's own reports."""

    NAME: Final = "readiness-recorder"
    _LEFT_OUT: Final = "readiness_left_out"

    def __init__(self, config: pytest.Config, file: str) -> None:
        self._config = config
        self._file = Path(file)
        self._ids = Checklist.load().ids
        self._is_worker = hasattr(config, "workerinput")
        self._assertions = 0
        self._is_counting = False
        self._left_out: dict[str, Sequence[str]] = {}
        self._evidence: dict[str, Evidence] = {}
        self._other_failures: list[str] = []

    # Where the tests run: the only process, or each worker.

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Counts during the test itself only: what a fixture asserts proves the fixture."""
        self._assertions, self._is_counting = 0, True
        try:
            yield
        finally:
            self._is_counting = False

    def pytest_assertion_pass(self, orig: str) -> None:
        """Counts one assertion that held; `assert True` tells nothing."""
        if self._is_counting and not is_constant(orig):
            self._assertions += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the ids and the count into the report, which survives the way from a worker."""
        report = yield
        if boxes := self._boxes_of(item):
            facts = {"boxes": boxes, "assertions": self._assertions}
            report.user_properties.append((self.NAME, facts))
        return report

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remembers what `-k`, `-m` and the like leave out.

        Not what is `exhaustive`: the whole run has the same tests over a part of the same cases.
        """
        missed = (item for item in items if not item.get_closest_marker("exhaustive"))
        self._left_out.update((item.nodeid, self._boxes_of(item)) for item in missed)

    # Where the results come together: the only process, or the one that leads the workers.

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the worst that the phases of one test say."""
        facts = dict(report.user_properties).get(self.NAME)
        if not isinstance(facts, dict):
            if report.failed:
                self._other_failures.append(report.nodeid)
            return
        found = self._read(report, facts)
        known = self._evidence.get(report.nodeid)
        if found and (known is None or known.outcome == "passed" or found.outcome == "failed"):
            self._evidence[report.nodeid] = found

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a file that cannot be collected: which boxes it stood for is unknown."""
        if report.failed:
            self._other_failures.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes over what a worker left out; one that crashed sends nothing, its test has failed."""
        self._left_out.update(getattr(node, "workeroutput", {}).get(self._LEFT_OUT, {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Writes the evidence; a worker hands over what only it knows."""
        if self._is_worker:
            vars(self._config)["workeroutput"][self._LEFT_OUT] = self._left_out
            return
        left_out = [
            Evidence(
                boxes=tuple(boxes), name=name, outcome="skipped", reason="This run left it out."
            )
            for name, boxes in self._left_out.items()
            if boxes
        ]
        asked_for_all = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        was_cut = bool(self._left_out or session.shouldstop or session.shouldfail)
        run = Run(
            evidence=tuple(sorted([*self._evidence.values(), *left_out], key=lambda it: it.name)),
            is_whole=asked_for_all and not was_cut,
            other_failures=tuple(sorted(set(self._other_failures))),
        )
        self._file.write_text(run.model_dump_json(), encoding="utf-8")

    def _boxes_of(self, item: pytest.Item) -> list[str]:
        return [box for box in ids_of(item) if box in self._ids]

    def _read(self, report: pytest.TestReport, facts: Mapping[str, Any]) -> Evidence | None:
        """What one phase says; None when it says nothing yet."""
        boxes, name = tuple(facts["boxes"]), report.nodeid
        if report.failed:
            reason = self._failure(report)
            return Evidence(boxes=boxes, name=name, outcome="failed", reason=reason)
        if report.skipped or hasattr(report, "wasxfail"):
            reason = self._skip(report)
            return Evidence(boxes=boxes, name=name, outcome="skipped", reason=reason)
        if report.when != "call":
            return None
        count = facts["assertions"]
        reason = "" if count else "It passed without asserting anything."
        return Evidence(boxes=boxes, name=name, outcome="passed", assertions=count, reason=reason)

    @classmethod
    def _failure(cls, report: pytest.TestReport) -> str:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr)
        where = "" if report.when == "call" else f"In {report.when}: "
        return where + cls._first_line(message.removeprefix("AssertionError: "))

    @classmethod
    def _skip(cls, report: pytest.TestReport) -> str:
        if hasattr(report, "wasxfail"):
            what = "Expected to fail" if report.skipped else "Passed, though expected to fail"
            return cls._first_line(f"{what}: {report.wasxfail.removeprefix('reason: ')}")
        # pytest gives (file, line, "Skipped: reason").
        said = report.longrepr[2] if isinstance(report.longrepr, (tuple, list)) else ""
        return cls._first_line(str(said).removeprefix("Skipped: ")) or "Skipped without a reason."

    @staticmethod
    def _first_line(text: str) -> str:
        line = next((part.strip() for part in text.splitlines() if part.strip()), "")
        return line if len(line) <= REASON_MAX_CHARS else line[: REASON_MAX_CHARS - 1] + "…"
