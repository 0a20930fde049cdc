"""The report as one self-contained page: no script, no font, no image from elsewhere."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template

from .proofs import Proof
from .report import SUMMARY_ORDER, BoxReport, GroupReport, Report, State

PAGE = Path(__file__).with_name("page.html")

MARKS = {
    State.PROVEN: "✓",
    State.FAILED: "✕",
    State.UNPROVEN: "!",
    State.MISSING: "○",
    State.NOT_CHOSEN: "·",
}

MEANINGS = {
    State.PROVEN: "A test that carries the box's id ran, passed and asserted something; none failed.",
    State.FAILED: "A test that carries its id failed, or a measured figure missed its bound.",
    State.UNPROVEN: "Its tests were skipped here, or asserted nothing. The reason is shown.",
    State.MISSING: "No test carries its id yet.",
    State.NOT_CHOSEN: "It belongs to a feature left out at generation; it is not counted.",
}

PROOF_MARKS = {"passed": "✓", "failed": "✕", "skipped": "!", "hollow": "!"}


class HtmlReport:
    """Writes one report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def text(self) -> str:
        """The whole document."""
        report = self._report
        project = report.project
        texts = {
            "title": project.title,
            "description": project.description,
            "origin": project.line,
            "proven": str(report.proven),
            "chosen": str(report.chosen),
            "percent": f"{report.proven * 100 // max(report.chosen, 1)} %",
            "summary": report.summary,
        }
        parts = {
            "bar": self._bar(report.counts),
            "legend": "".join(self._legend(state) for state in SUMMARY_ORDER),
            "warnings": self._warnings(),
            "attention": self._attention(),
            "overview": "".join(map(self._card, report.groups)),
            "groups": "".join(map(self._group, report.groups)),
        }
        page = Template(PAGE.read_text(encoding="utf-8"))
        return page.substitute({name: escape(text) for name, text in texts.items()} | parts)

    @staticmethod
    def _bar(counts: Mapping[State, int]) -> str:
        """One segment a state; a count of nothing takes no room."""
        segments = (
            f'<i class="{state.name.lower()}" style="flex-grow:{counts[state]}"></i>'
            for state in SUMMARY_ORDER
            if counts[state]
        )
        return f'<div class="bar" aria-hidden="true">{"".join(segments)}</div>'

    def _legend(self, state: State) -> str:
        count = self._report.counts[state]
        return (
            f"<li>{self._chip(state)}<b>{count}</b>"
            f'<span class="meaning">{escape(MEANINGS[state])}</span></li>'
        )

    @staticmethod
    def _chip(state: State) -> str:
        mark = f'<span aria-hidden="true">{MARKS[state]}</span>'
        return f'<span class="chip {state.name.lower()}">{mark} {state.capitalize()}</span>'

    def _warnings(self) -> str:
        parts = []
        if not self._report.is_whole:
            text = "This run left tests out: the whole run may prove more."
            parts.append(f'<p class="warning">{text}</p>')
        if self._report.other_failures:
            names = "".join(f"<li>{escape(name)}</li>" for name in self._report.other_failures)
            text = "Failed without telling for which box:"
            parts.append(f'<div class="warning failed"><p>{text}</p><ul>{names}</ul></div>')
        return "".join(parts)

    def _attention(self) -> str:
        """What went wrong, before everything else; nothing when nothing did."""
        found = [
            box
            for state in (State.FAILED, State.UNPROVEN)
            for box in self._report.boxes
            if box.state is state
        ]
        if not found:
            return ""
        rows = "".join(
            f'<li>{self._chip(box.state)}<a href="#{box.id}">{box.id} {escape(box.title)}</a>'
            f"<span>{escape(box.reason)}</span></li>"
            for box in found
        )
        return (
            '<section class="attention" aria-labelledby="attention"><h2 id="attention">'
            f"Needs attention</h2><ul>{rows}</ul></section>"
        )

    def _card(self, group: GroupReport) -> str:
        counts = {state: group.count(state) for state in SUMMARY_ORDER}
        chosen = len(group.boxes) - counts[State.NOT_CHOSEN]
        return (
            f'<li><a href="#{self._anchor(group)}"><span>{escape(group.title)}</span>'
            f"<b>{counts[State.PROVEN]} of {chosen}</b>{self._bar(counts)}</a></li>"
        )

    def _group(self, group: GroupReport) -> str:
        anchor = self._anchor(group)
        rows = "".join(map(self._box, group.boxes))
        return (
            f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(group.title)}</h2>'
            f'<ul class="boxes">{rows}</ul></section>\n'
        )

    def _box(self, box: BoxReport) -> str:
        reason = f'<p class="reason">{escape(box.reason)}</p>' if box.reason else ""
        return (
            f'<li id="{box.id}" class="box">{self._chip(box.state)}<div>'
            f'<h3><span class="id">{box.id}</span> {escape(box.title)}</h3>'
            f"<p>{escape(box.proof)}</p>{reason}{self._proofs(box)}</div></li>\n"
        )

    def _proofs(self, box: BoxReport) -> str:
        proofs = Proof.group(box.evidence)
        if not proofs:
            return ""
        count = f"{len(proofs)} {'check' if len(proofs) == 1 else 'checks'}"
        is_open = "" if box.state is State.PROVEN else " open"
        items = "".join(self._proof(proof) for proof in proofs)
        return f"<details{is_open}><summary>{count}</summary><ul>{items}</ul></details>"

    @staticmethod
    def _proof(proof: Proof) -> str:
        lines: Iterable[str] = filter(None, (proof.note, proof.place))
        small = "".join(f"<small>{escape(line)}</small>" for line in lines)
        mark = f'<span class="mark {proof.status}" aria-hidden="true">{PROOF_MARKS[proof.status]}</span>'
        return (
            f'<li>{mark}<span><span class="unseen">{proof.status}: </span>'
            f"{escape(proof.sentence)}{small}</span></li>"
        )

    @staticmethod
    def _anchor(group: GroupReport) -> str:
        return group.title.lower().replace(" ", "-")
