"""The report on a terminal; as plain lines where there is none, so that logs stay readable."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .report import BoxReport, Report, State

STYLES = {
    State.PROVEN: "green",
    State.FAILED: "bold red",
    State.UNPROVEN: "yellow",
    State.MISSING: "dim",
    State.NOT_CHOSEN: "dim italic",
}


class TerminalReport:
    """Prints one report."""

    def __init__(self, report: Report, console: Console | None = None) -> None:
        self._report = report
        self._console = console or Console(highlight=False)

    def print(self) -> None:
        """Prints the boxes, what failed beside them, and the summary line last."""
        if self._console.is_terminal:
            self._print_table()
        else:
            self._print_lines()
        for name in self._report.other_failures:
            self._say(f"failed, for no box: {name}", STYLES[State.FAILED])
        self._say(self._report.summary, "bold")

    def _print_table(self) -> None:
        table = Table(title="Production readiness", title_justify="left", header_style="bold")
        table.add_column("Box", no_wrap=True)
        table.add_column("State", no_wrap=True)
        table.add_column("What it asks")
        table.add_column("Why, or how many tests")
        for group in self._report.groups:
            table.add_section()
            for box in group.boxes:
                state = Text(box.state, style=STYLES[box.state])
                # Text, not str: a reason may hold square brackets, which are rich's markup.
                table.add_row(box.id, state, Text(box.title), Text(self._about(box)))
        self._console.print(table)

    def _print_lines(self) -> None:
        for box in self._report.boxes:
            self._say(f"{box.state:<10}  {box.id:<7}  {box.title}: {self._about(box)}")

    def _say(self, line: str, style: str = "") -> None:
        # No wrapping: a line of a log is found by its beginning and its end.
        self._console.print(Text(line, style=style), soft_wrap=True)

    @staticmethod
    def _about(box: BoxReport) -> str:
        tests = sum(it.proves for it in box.evidence)
        return box.reason or f"{tests} test{'s' if tests > 1 else ''}"
