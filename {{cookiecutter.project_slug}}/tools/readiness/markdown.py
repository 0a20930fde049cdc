"""The report as Markdown, for a pull request or a wiki."""

from collections.abc import Iterator

from .proofs import Proof
from .report import SUMMARY_ORDER, BoxReport, Report, State

MARKS = {
    State.PROVEN: "✅",
    State.FAILED: "❌",
    State.UNPROVEN: "⚠️",
    State.MISSING: "⬜",
    State.NOT_CHOSEN: "▫️",
}


class MarkdownReport:
    """Writes one report."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def text(self) -> str:
        """The whole document."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        report = self._report
        project = report.project
        yield f"# Production readiness of {self._cell(project.title)}"
        yield ""
        yield f"**{report.proven} of {report.chosen} boxes are proven.** {report.summary}."
        yield ""
        yield f"{project.line}. A box is proven only by a test that ran and asserted."
        if not report.is_whole:
            yield ""
            yield "**This run left tests out:** the whole run may prove more."
        if report.other_failures:
            yield ""
            yield "**Failed, for no box:** " + ", ".join(f"`{it}`" for it in report.other_failures)
        yield ""
        yield "| | " + " | ".join(SUMMARY_ORDER) + " |"
        yield "|---|" + "---:|" * len(SUMMARY_ORDER)
        for group in report.groups:
            counts = " | ".join(str(group.count(state) or "") for state in SUMMARY_ORDER)
            yield f"| {group.title} | {counts} |"
        for group in report.groups:
            yield ""
            yield f"## {group.title}"
            yield ""
            yield "| Box | State | What it asks | Shown by |"
            yield "|---|---|---|---|"
            for box in group.boxes:
                yield self._row(box)

    def _row(self, box: BoxReport) -> str:
        asked = f"**{self._cell(box.title)}.** {self._cell(box.proof)}"
        shown = [self._cell(box.reason)] if box.reason else []
        shown += [self._proof(proof) for proof in Proof.group(box.evidence)]
        return f"| {box.id} | {MARKS[box.state]} {box.state} | {asked} | {'<br>'.join(shown)} |"

    @classmethod
    def _proof(cls, proof: Proof) -> str:
        note = f" ({cls._cell(proof.note)})" if proof.note else ""
        name = f"`{proof.place}`" if proof.place else proof.sentence
        return f"{proof.status}: {name}{note}"

    @staticmethod
    def _cell(text: str) -> str:
        """Text from outside as text: no table border, no markup of its own."""
        for char in ("\\", "|", "`", "*", "_", "[", "#"):
            text = text.replace(char, f"\\{char}")
        return text.replace("<", "&lt;")
