"""The report: every box with its state, the reason and its tests. The JSON file is this, as it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from .plugin import Box, Result


class State(StrEnum):
    """What is known about a box, from a run alone, never from a file that exists."""

    PROVEN = "proven"  # a test with its id ran, passed and asserted something, and none failed
    FAILED = "failed"  # a test with its id failed, or a figure that the run measures is too low
    UNPROVEN = "unproven"  # its tests were skipped, or passed without an assertion
    MISSING = "missing"  # no test carries its id, as planned
    LOST = "lost"  # no test carries its id any more: the project came with one
    NOT_RUN = "not run"  # this run was asked for some tests only, and for none of this box
    NOT_CHOSEN = "not chosen"  # its feature was left out, at generation or since


@dataclass(frozen=True, slots=True)
class BoxReport:
    """One box."""

    group: str
    id: str
    title: str
    proof: str
    state: State
    reason: str
    tests: Sequence[Result]

    @classmethod
    def judge(cls, box: Box, tests: Sequence[Result], answers: Mapping[str, object], is_whole: bool) -> "BoxReport":
        """The box with its state."""
        best = min(tests, key=lambda test: test.rank, default=None)
        if best and best.rank == 0:
            state, reason = State.FAILED, best.reason
        elif not all(test.is_measured for test in tests):
            is_proven = any(test.rank == 1 for test in tests)
            state = State.PROVEN if is_proven else State.UNPROVEN
            reason = "" if is_proven or not best else best.reason
            if is_proven and box.measured and not is_whole:
                state, reason = State.NOT_RUN, f"A whole run measures its {box.measured}."
        elif left_out := box.left_out_by(answers):
            state, reason = State.NOT_CHOSEN, f"Left out at generation: {left_out}."
        elif not is_whole:
            state, reason = State.NOT_RUN, "This run did not ask for it."
        elif box.feature and not box.planned:
            state, reason = State.NOT_CHOSEN, "Its tests were deleted with its feature."
        else:
            state, reason = State.MISSING if box.planned else State.LOST, "No test carries its id."
        return cls(box.group, box.id, box.title, box.proof, state, reason, tests)


@dataclass(frozen=True, slots=True)
class Report:
    """The readiness of one commit, as one run of the tests showed it."""

    title: str
    version: str
    """What `git describe` says; there is no date: the same commit gives the same report."""
    is_whole: bool
    boxes: Sequence[BoxReport]
    other_failures: Sequence[str]

    def count(self, *states: State) -> int:
        """How many boxes are in one of these states."""
        return sum(box.state in states for box in self.boxes)

    @property
    def has_failed(self) -> bool:
        """True when a box failed or was lost, or something failed that may stand for a box."""
        return bool(self.count(State.FAILED, State.LOST) or self.other_failures)

    def lines(self) -> list[str]:
        """The report for a terminal and for a log: the summary comes last."""
        lines = [
            f"{it.state:<10}  {it.id:<7}  {it.title}: {it.reason or f'tests: {len(it.tests)}'}"
            for it in self.boxes
            if it.state is not State.NOT_RUN
        ]
        lines += [f"failed, for no box: {name}" for name in self.other_failures]
        counts = ", ".join(f"{self.count(state)} {state}" for state in State)
        return [*lines, f"{counts} of {len(self.boxes)}"]


def page(report: Report) -> str:
    """The report as one self-contained page: no script, no font, no image from elsewhere."""
    counts = {state: report.count(state) for state in State}
    notes = [f"Failed, for no box: {name}" for name in report.other_failures]
    notes += [] if report.is_whole else ["This run left tests out: a whole run may prove more."]
    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=escape(report.title),
        version=escape(report.version),
        proven=counts[State.PROVEN],
        chosen=len(report.boxes) - counts[State.NOT_CHOSEN],
        counts="".join(f'<li class="{s.name}"><b>{n}</b> {s}</li>' for s, n in counts.items()),
        notes="".join(f"<p>{escape(note)}</p>" for note in notes),
        groups="".join(
            f"<h2>{escape(title)}</h2>\n<table>{''.join(map(_box, boxes))}</table>\n"
            for title, boxes in groupby(report.boxes, lambda box: box.group)
        ),
    )


def _box(box: BoxReport) -> str:
    """A row; the tests of what is proven open at a click."""
    is_open = " open" if box.state is State.FAILED else ""
    tests = "".join(map(_test, box.tests))
    summary = f"<summary>tests: {len(box.tests)}</summary>"
    details = f"<details{is_open}>{summary}<ul>{tests}</ul></details>" if tests else ""
    title, proof, reason = map(escape, (box.title, box.proof, box.reason))
    texts = f"<b>{title}</b><p>{proof}</p><p><i>{reason}</i></p>"
    cells = f"<td>{box.id}</td><td>{box.state}</td><td>{texts}{details}</td>"
    return f'<tr id="{box.id}" class="{box.state.name}">{cells}</tr>\n'


def _test(test: Result) -> str:
    """`passed: a run over budget stops (5 assertions)`, and where it stands."""
    place, _, function = test.name.rpartition("::")
    text = f"{test.outcome}: {function.removeprefix('test_').replace('_', ' ')}"
    about = test.reason or f"{test.assertions} assertions"
    return f"<li>{escape(text)} ({escape(about)})<small>{escape(place)}</small></li>"
