"""The pytest plugin: counts the assertions that hold, and gathers what each test says about its boxes.

It stands in every process that runs tests; the results come together in the one that was started.
PYTEST_DONT_REWRITE: it is imported before pytest is.
"""

import ast
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import pytest

from .checklist import Box

NAME: Final = "readiness"
REASON_MAX_CHARS: Final = 240  # about three lines of the report


@dataclass(slots=True)
class Result:
    """What one test with all its cases, or one figure that the run measured, says about its boxes."""

    name: str
    boxes: Sequence[str]
    outcome: Literal["passed", "failed", "skipped"]
    reason: str = ""
    assertions: int = 0
    """Those that held while the test itself ran, not its fixtures."""
    is_measured: bool = False

    @property
    def rank(self) -> int:
        """0: it failed, 1: it proves its boxes, 2: it asserted nothing, 3: it was skipped, 4: a figure in bounds."""
        if self.outcome != "passed":
            return 0 if self.outcome == "failed" else 3
        return 4 if self.is_measured else 1 if self.assertions else 2


def pytest_configure(config: pytest.Config) -> None:
    """Records in a worker of pytest-xdist too; refuses to where assertions cannot be counted."""
    if config.getoption("assertmode") != "rewrite" or not config.getini(
        "enable_assertion_pass_hook"
    ):
        raise pytest.UsageError("set enable_assertion_pass_hook = true, leave --assert at rewrite")
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())


class Recorder:
    """One run of the tests."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, ...], Result] = {}
        self.other_failures: set[str] = set()
        """What failed without telling for which box: tests with no mark, files that do not import."""
        self.is_cut = False
        """True when the run left tests out, or stopped before its end. What is `exhaustive` is not missed:
        the same tests run over a part of the same cases."""
        self._assertions = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Counts during the test itself only: what a fixture asserts proves the fixture."""
        self._assertions = 0
        result = yield
        item.user_properties.append((NAME, self._assertions))
        return result

    def pytest_assertion_pass(self, orig: str) -> None:
        """Counts one assertion that held; `assert True` tells nothing."""
        self._assertions += not self._is_constant(orig)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the ids into the report, which survives the way from a worker."""
        report = yield
        ids = [str(it) for mark in item.iter_markers("checklist") for it in mark.args or [""]]
        report.user_properties.append((f"{NAME}-boxes", sorted(set(ids))))
        return report

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Notes what `-k`, `-m` and the like leave out."""
        self.is_cut |= any(not item.get_closest_marker("exhaustive") for item in items)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Notes a run that stopped; a worker hands over what only it knows."""
        self.is_cut |= bool(session.shouldstop or session.shouldfail)
        if hasattr(session.config, "workerinput"):
            vars(session.config)["workeroutput"][NAME] = self.is_cut

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes it over; a worker that crashed sends nothing, its test has failed."""
        self.is_cut |= getattr(node, "workeroutput", {}).get(NAME, False)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a file that cannot be collected: which boxes it stood for is unknown."""
        if report.failed:
            self.other_failures.add(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds what one phase of one case says; set-up and tear-down speak only when they fail or skip."""
        said: dict[str, Any] = dict(report.user_properties)
        boxes, name = said.get(f"{NAME}-boxes", ()), report.nodeid.partition("[")[0]
        unknown = set(boxes) - Box.load_all().keys()
        self.other_failures |= {f"{name}: the checklist has no box {it!r}" for it in unknown}
        is_expected = hasattr(report, "wasxfail")
        if report.failed and not boxes:
            self.other_failures.add(report.nodeid)
        if not boxes or (report.passed and report.when != "call"):
            return
        found = Result(name, boxes, "skipped" if is_expected else report.outcome)
        if found.outcome == "passed":
            found.assertions = said[NAME]
        if found.rank != 1:
            found.reason = self._reason(report)
        known = self.results.get((name, *boxes))
        if known and known.rank < found.rank:
            known, found = found, known
        found.assertions += known.assertions if known else 0
        self.results[name, *boxes] = found

    @staticmethod
    def _reason(report: pytest.TestReport) -> str:
        """Why it proves nothing, on one line."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else report.longreprtext
            where = "" if report.when == "call" else f"In {report.when}: "
            text = where + text.removeprefix("AssertionError: ").strip()
        elif hasattr(report, "wasxfail"):
            text = f"Expected to fail: {report.wasxfail.removeprefix('reason: ')}"
        elif isinstance(report.longrepr, tuple):  # file, line, "Skipped: reason"
            text = report.longrepr[2].removeprefix("Skipped: ") or "Skipped without a reason."
        else:
            text = "It passed without asserting anything."
        return text.partition("\n")[0][:REASON_MAX_CHARS]

    @staticmethod
    @cache
    def _is_constant(expression: str) -> bool:
        """True for `True`, `1`, `"text"`: an assertion that could not have failed."""
        try:
            return isinstance(ast.parse(expression.strip(), mode="eval").body, ast.Constant)
        except SyntaxError:  # a line of a longer statement, so no constant
            return False
