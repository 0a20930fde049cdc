"""The result of an evaluation as tables: for a terminal, in Markdown, as JSON and as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import ClassVar

import orjson
from rich.console import Console
from rich.table import Table as TerminalTable

from ..project import Project
from .cases import KINDS
from .disparity import Disparity
from .rows import Figure, Row
from .statistics import Interval, Statistics


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the report; its first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: str = ""
    """What its figures say."""

    bad: frozenset[int] = frozenset()
    """Rows that stand against the evaluation."""


@dataclass
class Report:
    """One evaluation."""

    PAGE: ClassVar = Path(__file__).with_name("page.html")

    WRONG: ClassVar = "Not right"

    model: str
    rows: Sequence[Row]
    samples: int
    disparities: Sequence[Disparity] = ()
    problems: Sequence[str] = ()
    """Why it fails; none: it passed."""

    notes: Sequence[str] = ()
    took: str = ""
    """Questions, calls, time and money."""

    least_ratio: float = Disparity.LEAST_RATIO

    @property
    def headline(self) -> str:
        """Its result in a line."""
        figure = Figure.of(self.rows)
        said = "failed" if self.problems else "passed"
        missing = f", {figure.not_measured} not measured" if figure.not_measured else ""
        return f"{said}: {figure.passed} of {figure.n} right{missing}"

    def tables(self) -> Iterator[Table]:
        """All of them, in the order in which they are shown."""
        yield self._kinds()
        if self.samples > 1:
            yield self._tries()
        if self.disparities:
            yield self._disparity()
        wrong = [row for row in self.rows if row.outcome != "passed"]
        if wrong:
            listed = [(row.case, str(row.sample + 1), row.outcome, row.reason) for row in wrong]
            yield Table(self.WRONG, ("case", "sample", "outcome", "why"), listed, bad=frozenset(range(len(wrong))))

    def _kinds(self) -> Table:
        lines, bad = [], set()
        kinds = [it for it in KINDS if any(row.kind == it for row in self.rows)]
        for number, kind in enumerate((*kinds, "all")):
            figure = Figure.of(row for row in self.rows if kind in (row.kind, "all"))
            rate = f"{figure.passed / figure.n:.2f}" if figure.n else "-"
            cells = (str(figure.n), str(figure.passed), str(figure.not_measured), rate, self._interval(figure.interval))
            lines.append((kind, *cells))
            if figure.passed < figure.n or figure.not_measured:
                bad.add(number)
        columns = ("kind", "n", "passed", "not measured", "rate", "95 % interval")
        about = (
            "n: samples of cases that were measured. Interval: Wilson's, where the true rate lies 95 times of 100; of"
            " cases, however many samples each has."
        )
        return Table("Right answers", columns, lines, about, frozenset(bad))

    def _tries(self) -> Table:
        """Of cases with all samples measured."""
        by_case: dict[str, list[bool]] = {}
        for row in self.rows:
            by_case.setdefault(row.case, []).extend([row.outcome == "passed"] * (row.outcome != "not measured"))
        counts = [sum(it) for it in by_case.values() if len(it) == self.samples]
        figure = Figure.of(self.rows)
        lines = []
        for k in range(1, self.samples + 1) if counts else ():
            once = sum(Statistics.pass_at(self.samples, it, k) for it in counts) / len(counts)
            every = sum(Statistics.pass_all(self.samples, it, k) for it in counts) / len(counts)
            lines.append((str(k), f"{once:.3f}", f"{every:.3f}", self._interval(figure.interval) if k == 1 else ""))
        about = (
            f"Of {len(counts)} cases with {self.samples} samples each. pass@k: one of k tries is right; pass^k: all of"
            " them are, which is what a user meets. The interval is of pass@1, by cases."
        )
        return Table("Several tries", ("k", "pass@k", "pass^k", "95 % interval"), lines, about)

    def _disparity(self) -> Table:
        lines: list[tuple[str, ...]] = []
        bad = set()
        for attribute in dict.fromkeys(it.attribute for it in self.disparities):
            equal = []
            for it in (it for it in self.disparities if it.attribute == attribute):
                if it.fails(self.least_ratio):
                    bad.add(len(lines))
                if it.not_measured:
                    lines.append((attribute, f"not measured: {it.not_measured}", *[""] * 5))
                elif it.difference:
                    low, high = (pick(it.groups, key=it.groups.__getitem__) for pick in (min, max))
                    shown = [f"{name} {it.groups[name]:.2f} (n {it.n[name]})" for name in (low, high)]
                    interval = self._interval(it.interval) if it.interval else "-"
                    lines.append((attribute, it.measure, *shown, f"{it.difference:.2f}", interval, f"{it.ratio:.3f}"))
                else:
                    equal.append(it)
            if equal:
                alike = f"all {len(equal[0].n)} groups alike (n {min(equal[0].n.values())} or more)"
                lines.append((attribute, ", ".join(it.measure for it in equal), alike, "", "0.00", "", "1.00"))
        columns = ("attribute", "measure", "least", "most", "difference", "95 % interval", "ratio")
        about = f"By Fairlearn; a ratio under {self.least_ratio:g} fails. Interval: of the difference, by templates."
        return Table("Groups of people", columns, lines, about, frozenset(bad))

    @staticmethod
    def _interval(interval: Interval) -> str:
        return f"{interval[0]:.2f} to {interval[1]:.2f}"

    def print(self, console: Console) -> None:
        """Show it on a terminal."""
        for table in self.tables():
            if table.title == self.WRONG:  # whole ids and reasons, however narrow the window
                console.print(f"{table.title}:", *(f"{row[0]} ({row[2]}): {row[3]}" for row in table.rows), sep="\n  ")
                continue
            shown = TerminalTable(*table.columns, title=table.title, title_justify="left", caption=table.about or None)
            shown.caption_justify = "left"
            for number, row in enumerate(table.rows):
                shown.add_row(*row, style="red" if number in table.bad else None)
            console.print(shown)
        for note in self.notes:
            console.print(note)
        for problem in self.problems:
            console.print(f"FAILED {problem}", style="red")
        console.print(f"{self.took}\n{self.headline}")

    def write(self, folder: Path) -> None:
        """Put report.md, report.json and report.html into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {"md": self.markdown, "json": self.json, "html": self.html}.items():
            (folder / f"report.{name}").write_text(text, encoding="utf-8", newline="\n")

    @property
    def markdown(self) -> str:
        """For a pull request."""
        parts = [f"# Evaluation of {Project.load().title}", f"**{self.headline}**. Model: {self.model}. {self.took}"]
        parts += [f"- FAILED {it}" for it in self.problems]
        for table in self.tables():
            rows = (table.columns, ["---"] * len(table.columns), *table.rows)
            lines = [f"| {' | '.join(it.replace('|', '/').replace(chr(10), ' ') for it in row)} |" for row in rows]
            parts += [f"## {table.title}", "\n".join(lines), table.about]
        return "\n\n".join([*filter(None, parts), *(f"- {it}" for it in self.notes)]) + "\n"

    @property
    def json(self) -> str:
        """For a machine."""
        figures = {kind: asdict(Figure.of(it for it in self.rows if it.kind == kind)) for kind in KINDS}
        whole = {
            "passed": not self.problems,
            "model": self.model,
            "samples": self.samples,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "figures": figures,
            "rows": [asdict(it) for it in self.rows],
            "disparities": [asdict(it) for it in self.disparities],
        }
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()

    @property
    def html(self) -> str:
        """One self-contained page: no script, no font, no image from elsewhere."""
        return Template(self.PAGE.read_text(encoding="utf-8")).substitute(
            title=escape(Project.load().title),
            state="failed" if self.problems else "passed",
            headline=escape(self.headline),
            about=escape(f"Model: {self.model}. {self.took}"),
            problems="".join(f"<li>{escape(it)}</li>" for it in self.problems),
            notes="".join(f"<li>{escape(it)}</li>" for it in self.notes),
            tables="".join(map(self._html, self.tables())),
        )

    @staticmethod
    def _html(table: Table) -> str:
        head = "".join(f'<th scope="col">{escape(it)}</th>' for it in table.columns)
        body = ""
        for number, row in enumerate(table.rows):
            cells = "".join(
                f'<td data-name="{escape(name)}">{escape(it)}</td>' for name, it in zip(table.columns, row, strict=True)
            )
            body += f"<tr{' class=bad' if number in table.bad else ''}>{cells}</tr>\n"
        about = f"<p>{escape(table.about)}</p>" if table.about else ""
        return f"<h2>{escape(table.title)}</h2>\n{about}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>\n"
