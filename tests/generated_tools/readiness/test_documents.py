"""The terminal, Markdown and HTML forms of one report that holds every state and hostile text."""

import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from tools.readiness.checklist import Checklist
from tools.readiness.evidence import Evidence, Run
from tools.readiness.markdown import MarkdownReport
from tools.readiness.origin import Origin
from tools.readiness.page import HtmlReport
from tools.readiness.proofs import Proof
from tools.readiness.report import Report
from tools.readiness.terminal import TerminalReport

HOSTILE = 'Ñandú <script>alert("$title")</script> | `x` [bold]'
SUMMARY = "1 proven, 1 failed, 2 unproven, 58 missing, 2 not chosen of 64"


@pytest.fixture(scope="module")
def report() -> Report:
    evidence = (
        Evidence(
            boxes=("OBS-5",), name="t.py::test_it_is_ready[a]", outcome="passed", assertions=2
        ),
        Evidence(
            boxes=("OBS-5",), name="t.py::test_it_is_ready[b]", outcome="passed", assertions=1
        ),
        Evidence(boxes=("OBS-1",), name="t.py::test_it_logs", outcome="failed", reason=HOSTILE),
        Evidence(
            boxes=("DEP-1",), name="t.py::test_it_runs", outcome="skipped", reason="no engine"
        ),
        Evidence(boxes=("INJ-1",), name="t.py::test_it_refuses", outcome="passed", reason="hollow"),
    )
    run = Run(evidence=evidence, is_whole=False, other_failures=("t.py::test_other",))
    origin = Origin(title=HOSTILE, description=HOSTILE, version="0.1.0", commit="1a2b3c4")
    return Report.of(Checklist.load(), run, {"example_agents": False}, origin)


class Page(HTMLParser):
    """What a browser would load and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "src" or (name == "href" and not str(value).startswith("#")):
                self.loaded.append(str(value))
            if name == "href":
                self.links.append(str(value)[1:])
            if name == "id":
                self.ids.append(str(value))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_every_box_with_its_state_and_reason(report: Report) -> None:
    page = Page(HtmlReport(report).text())
    assert all(box.id in page.ids and box.title in page.text for box in report.boxes)
    for shown in (
        "1 of 62",
        "no engine",
        "hollow",
        "it is ready",
        "2 cases, 3 assertions",
        SUMMARY,
    ):
        assert shown in " ".join(page.text.split())
    assert "t.py::test_other" in page.text
    assert "This run left tests out" in page.text


def test_the_page_loads_nothing_and_its_links_lead_somewhere(report: Report) -> None:
    text = HtmlReport(report).text()
    page = Page(text)
    assert page.loaded == []
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import|https?://", text)
    assert set(page.links) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_text_from_outside_stays_text_on_the_page(report: Report) -> None:
    text = HtmlReport(report).text()
    assert "<script>" not in text
    assert Page(text).text.count(HOSTILE) >= 3


def test_markdown_keeps_its_tables_whatever_a_reason_holds(report: Report) -> None:
    lines = MarkdownReport(report).text().splitlines()
    rows = [line for line in lines if re.match(r"\| [A-Z]+-\d", line)]
    assert len(rows) == 64
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert any("❌ failed" in row and "OBS-1" in row for row in rows)
    assert f"**1 of 62 boxes are proven.** {SUMMARY}." in lines
    assert not any("<script>" in line for line in lines)


def test_without_a_terminal_the_report_is_plain_lines_with_the_summary_last(
    report: Report,
) -> None:
    out = io.StringIO()
    TerminalReport(report, Console(file=out, width=40)).print()
    lines = out.getvalue().splitlines()
    assert len(lines) == 66
    assert "unproven    DEP-1    Reproducible image, automated delivery: no engine" in lines
    assert lines[-2:] == ["failed, for no box: t.py::test_other", SUMMARY]
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_the_report_is_a_coloured_table(report: Report) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system="standard")
    TerminalReport(report, console).print()
    assert "\x1b[1;31mfailed" in out.getvalue()
    assert "[bold]" in out.getvalue()
    assert SUMMARY in out.getvalue()


@pytest.mark.parametrize(
    ("outcomes", "status", "note"),
    [
        (
            [("passed", 2, ""), ("skipped", 0, "no engine")],
            "passed",
            "2 cases, 2 assertions, no engine",
        ),
        ([("passed", 1, "")], "passed", "1 assertion"),
        ([("passed", 0, "nothing")], "hollow", "nothing"),
        ([("passed", 2, ""), ("failed", 0, "broke")], "failed", "2 cases, broke"),
        ([("skipped", 0, "no engine")], "skipped", "no engine"),
    ],
)
def test_the_cases_of_a_test_are_told_as_one(
    outcomes: list[tuple[str, int, str]], status: str, note: str
) -> None:
    evidence = [
        Evidence.model_validate(
            {
                "boxes": ("OBS-5",),
                "name": f"tests/test_a.py::TestA::test_it_is_ready[{case}]",
                "outcome": outcome,
                "assertions": count,
                "reason": reason,
            }
        )
        for case, (outcome, count, reason) in enumerate(outcomes)
    ]
    (proof,) = Proof.group(evidence)
    assert (proof.sentence, proof.status, proof.note) == ("it is ready", status, note)
    assert proof.place == "tests/test_a.py::TestA::test_it_is_ready"
