"""The report as one self-contained page: no script, no font, no image from elsewhere."""

from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from .plugin import Result
from .report import BoxReport, Report, State


def page(report: Report) -> str:
    """The whole document."""
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
    texts = (
        f"<b>{escape(box.title)}</b><p>{escape(box.proof)}</p><p><i>{escape(box.reason)}</i></p>"
    )
    cells = f"<td>{box.id}</td><td>{box.state}</td><td>{texts}{details}</td>"
    return f'<tr id="{box.id}" class="{box.state.name}">{cells}</tr>\n'


def _test(test: Result) -> str:
    """`passed: a run over budget stops (5 assertions)`, and where it stands."""
    place, _, function = test.name.rpartition("::")
    text = f"{test.outcome}: {function.removeprefix('test_').replace('_', ' ')}"
    about = test.reason or f"{test.assertions} assertions"
    return f"<li>{escape(text)} ({escape(about)})<small>{escape(place)}</small></li>"
