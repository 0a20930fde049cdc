"""The pytest plugin of every process that runs tests: counts assertions that hold, gathers what tests say of boxes.

It is imported before pytest loads it: PYTEST_DONT_REWRITE.
"""

import re
import tomllib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import pytest

NAME: Final = "readiness"
REASON_MAX_CHARS: Final = 240  # about three lines of the report
CONSTANT: Final = re.compile(r"""True|[\d.]+|(['"])[^'"]*\1""")  # as an assertion it could not fail


@dataclass(frozen=True, slots=True)
class Box:
    """One line of the checklist; `boxes.toml` says what its fields mean."""

    group: str
    id: str
    title: str
    proof: str
    feature: Mapping[str, object] | None = None
    measured: str = ""
    planned: bool = False

    @staticmethod
    @cache
    def load_all() -> "Mapping[str, Box]":
        """Id -> box, in the order in which they are shown."""
        groups = tomllib.loads(Path(__file__).with_name("boxes.toml").read_text("utf-8"))["groups"]
        return {box["id"]: Box(group["title"], **box) for group in groups for box in group["boxes"]}

    def left_out_by(self, answers: Mapping[str, object]) -> str:
        """`example_agents is false`; empty when it was chosen, or nobody was asked."""
        for question, answer in (self.feature or {}).items():
            if answers.get(question, answer) != answer:
                return f"{question} is {str(answers[question]).lower()}"
        return ""


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
    can_count = config.getini("enable_assertion_pass_hook")
    if config.getoption("assertmode") != "rewrite" or not can_count:
        raise pytest.UsageError("set enable_assertion_pass_hook = true, leave --assert at rewrite")
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Measures no lines while the front door is tested: it halves the time, and the units' tests reach them all."""
    for item in items:
        if item.path.is_relative_to(config.rootpath / "tests" / "conformance"):
            item.add_marker("no_cover")


class Recorder:
    """One run of the tests."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, ...], Result] = {}
        self.other_failures: set[str] = set()
        """Tests with no mark that failed, and marks that name no box."""
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
        self._assertions += not CONSTANT.fullmatch(orig.strip())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the ids into the report, which survives the way from a worker."""
        report = yield
        ids = [str(it) for mark in item.iter_markers("checklist") for it in mark.args or [""]]
        report.user_properties.append((f"{NAME}-boxes", sorted(set(ids))))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds what one phase of one case says; set-up and tear-down speak only when they fail or skip."""
        said: dict[str, Any] = dict(report.user_properties)
        boxes, name = said.get(f"{NAME}-boxes", ()), report.nodeid.partition("[")[0]
        unknown = set(boxes) - Box.load_all().keys()
        self.other_failures |= {f"{name}: the checklist has no box {it!r}" for it in unknown}
        if report.failed and not boxes:
            self.other_failures.add(report.nodeid)
        if not boxes or (report.passed and report.when != "call"):
            return
        is_expected = hasattr(report, "wasxfail")
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
            text = text.removeprefix("AssertionError: ").strip()
            text = text if report.when == "call" else f"In {report.when}: {text}"
        elif hasattr(report, "wasxfail"):
            text = f"Expected to fail: {report.wasxfail.removeprefix('reason: ')}"
        elif isinstance(report.longrepr, tuple):  # file, line, "Skipped: reason"
            text = report.longrepr[2].removeprefix("Skipped: ") or "Skipped without a reason."
        else:
            text = "It passed without asserting anything."
        return text.partition("\n")[0][:REASON_MAX_CHARS]
