"""The report as one self-contained page: no script, no font, no image from elsewhere."""

from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from .plugin import Result
from .report import BoxReport, Report, State


class Page:
    """Writes one report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def text(self) -> str:
        """The whole document."""
        report = self._report
        counts = {state: report.count(state) for state in State}
        notes = [f"Failed, for no box: {name}" for name in report.other_failures]
        if not report.is_whole:
            notes.insert(0, "This run left tests out: a whole run may prove more.")
        groups = groupby(report.boxes, lambda box: box.group)
        template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
        return Template(template).substitute(
            title=escape(report.title),
            version=escape(report.version),
            proven=counts[State.PROVEN],
            chosen=len(report.boxes) - counts[State.NOT_CHOSEN],
            counts="".join(f'<li class="{s.name}"><b>{n}</b> {s}</li>' for s, n in counts.items()),
            notes="".join(f"<p>{escape(note)}</p>" for note in notes),
            groups="".join(
                f"<h2>{escape(title)}</h2>\n<table>{''.join(map(self._box, boxes))}</table>\n"
                for title, boxes in groups
            ),
        )

    @classmethod
    def _box(cls, box: BoxReport) -> str:
        """A row; the tests of what is proven open at a click."""
        is_open = " open" if box.state is State.FAILED else ""
        tests = "".join(map(cls._test, box.tests))
        summary = f"<summary>tests: {len(box.tests)}</summary>"
        return (
            f'<tr id="{box.id}" class="{box.state.name}"><td>{box.id}</td><td>{box.state}</td><td>'
            f'<b>{escape(box.title)}</b><p>{escape(box.proof)}</p><p class="reason">{escape(box.reason)}</p>'
            f"{f'<details{is_open}>{summary}<ul>{tests}</ul></details>' if tests else ''}</td></tr>\n"
        )

    @staticmethod
    def _test(test: Result) -> str:
        """`passed: a run over budget stops (5 assertions)`, and where it stands."""
        place, _, function = test.name.rpartition("::")
        sentence = function.removeprefix("test_").replace("_", " ") if place else test.name
        about = test.reason or f"{test.assertions} assertions"
        return f"<li>{test.outcome}: {escape(sentence)} ({escape(about)})<small>{escape(place)}</small></li>"
