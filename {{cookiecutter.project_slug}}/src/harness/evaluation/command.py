"""`evaluate`: asks the cases, prints what came of it, and fails where that is not good enough."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..application import Application
from ..errors import ConfigurationError
from .case_files import Cases
from .cases import Case
from .disparity import Disparities, Disparity
from .estimate import Estimate
from .gate import Baseline, Gate
from .grading import Answer, Grader
from .recorded import RecordedRun
from .report import Report
from .runner import Asking, Key, Runner, Runs


@dataclass(frozen=True)
class Evaluate:
    """One evaluation. What it is asked for again after an interruption it does not ask again."""

    RUNS: ClassVar = "runs.jsonl"
    LOG_COLUMNS: ClassVar = 140
    """Of a log, which wraps nothing; a terminal knows its own."""

    only: Sequence[str] = ()
    model: str = ""
    samples: int = 1
    at_once: int = 4
    live: bool = False
    recorded: bool = False
    accept: bool = False
    ask_above: float = 1.0
    yes: bool = False
    most_unmeasured: int = 0
    least_ratio: float = Disparity.LEAST_RATIO
    out: Path = Path("var/evaluation")

    def run(self) -> int:
        """The exit code: 1 where the evaluation is not good enough.

        Raises:
            ConfigurationError: A case file or a setting is wrong.
        """
        for option, count in (("--samples", self.samples), ("--at-once", self.at_once)):
            if count < 1:
                raise ConfigurationError([f"{option}: it must be 1 or more"])
        width = None if sys.stdout.isatty() else self.LOG_COLUMNS
        console = Console(markup=False, highlight=False, soft_wrap=True, width=width)
        application = Application.load()
        runner = Runner(application, self.model, self.live, self.samples, self.at_once)
        cases = Cases(application.agents, flow=application.flow).load()
        chosen = [it for it in cases.counting if not self.only or it.id.startswith(tuple(self.only))]
        if not chosen:
            raise ConfigurationError([f"no case begins with {' or '.join(self.only) or 'anything'}"])
        began = perf_counter()
        askings = runner.askings(chosen)
        runs = self._recorded(askings) if self.recorded else self._asked(runner, askings)
        if runs is None:
            return 1
        report = self._judged(chosen, runs, runner, self._took(runs, perf_counter() - began))
        left_out = Counter(it.partition(": ")[2] for it in cases.left_out)
        report.notes = [*report.notes, *(f"left out: {why}: {count} shipped cases" for why, count in left_out.items())]
        failed = {row.case for row in report.rows if row.outcome == "failed"}
        for agent in cases.doubtful(failed):
            about = f"{agent} is not as this template ships it; `without: [{agent}]` in a file of yours"
            report.notes.append(f"{about} leaves its shipped cases out, where they ask for something else")
        if cases.pending:
            report.notes.append(f"{len(cases.pending)} pending cases wait for a person who says what is right")
        report.print(console)
        report.write(self.out)
        return 1 if report.problems and not self.accept else 0

    def _asked(self, runner: Runner, askings: Sequence[Asking]) -> Runs | None:
        """The answers of the service; None where a person would not pay for them."""
        told = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        settings = runner.settings()
        journal, last = Journal(self.out / f"running-{runner.fingerprint(settings)}.jsonl"), self._last()
        done = journal.done(askings)
        new = [it for it in askings if it.key not in done]
        estimate = Estimate.of(new, last, runner.models(settings), self.at_once, settings.llm_prices)
        told.print(f"{estimate}; {len(done)} are there already" if done else str(estimate))
        if not self._may(estimate, told):
            return None
        with Meter.shown(told, len(new)) as advance:

            def tell(run: RecordedRun | None) -> None:
                if run and not Answer(run).outage:
                    journal.add(run)
                advance()

            runs = asyncio.run(runner.run(askings, done, tell))
        others = [run for run in last if self.only and not run.case.startswith(tuple(self.only))]
        there = [runs.runs[it.key] for it in askings if it.key in runs.runs]
        RecordedRun.write(self.out / self.RUNS, [*there, *others])
        journal.close(is_whole=not runs.missing and not any(Answer(run).outage for run in there))
        return runs

    def _judged(self, cases: Sequence[Case], runs: Runs, runner: Runner, took: str) -> Report:
        first = next(iter(runs.runs.values()), None)
        model = first.model if first else runner.models(runner.settings())
        rows = Grader(runs).rows(cases, self.samples)
        disparities = Disparities.of(cases, runs, self.samples)
        gate = Gate(least_ratio=self.least_ratio, most_unmeasured=self.most_unmeasured, only=self.only)
        gate.judge(cases, rows, disparities)
        now = Baseline.of(cases, rows, first.prompts if first else {})
        file = Cases.FOLDER / Baseline.FILE
        gate.compare(file, model, now, cases, rows)
        if self.accept:
            now.save(file, model, self.only)
            gate.notes.append(f"accepted: {file} has these results now, commit it")
        return Report(model, rows, self.samples, disparities, gate.problems, gate.notes, took, self.least_ratio)

    def _last(self) -> list[RecordedRun]:
        file = self.out / self.RUNS
        return [*RecordedRun.read(file)] if file.exists() else []

    def _recorded(self, askings: Sequence[Asking]) -> Runs:
        """The last runs of the cases as they are now; nothing is asked."""
        known = {run.key: run for run in self._last()}
        runs = Runs()
        for asking in askings:
            run = known.get(asking.key)
            if run and run.digest == asking.case.digest:
                runs.runs[run.key] = run
            else:
                runs.missing[asking.key] = "not recorded, or the case has changed since"
        return runs

    def _may(self, estimate: Estimate, told: Console) -> bool:
        """False for what costs too much, unless a person says yes."""
        if self.yes or not estimate.usd or estimate.usd <= self.ask_above:
            return True
        if not sys.stdin.isatty():
            told.print(f"not begun: that is more than {self.ask_above:.2f} USD; say --yes, or --ask-above")
            return False
        return input("Go on? [y/N] ").strip().lower() == "y"

    @staticmethod
    def _took(runs: Runs, seconds: float) -> str:
        calls = sum(run.model_calls for run in runs.runs.values())
        costs = [run.cost_usd for run in runs.runs.values()]
        usd = "unknown" if None in costs else f"{sum(it or 0 for it in costs):.2f} USD"
        return f"{len(runs.runs)} questions, {calls} calls of models, {seconds:.1f} s, cost {usd}."


@dataclass
class Journal:
    """Each run as soon as it is there, of one state of the service: what an interruption leaves."""

    file: Path

    def done(self, askings: Sequence[Asking]) -> dict[Key, RecordedRun]:
        """The runs that need not be asked for again."""
        digests = {it.key: it.case.digest for it in askings}
        runs = [*RecordedRun.read(self.file)] if self.file.exists() else []
        done = {run.key: run for run in runs if digests.get(run.key) == run.digest}
        RecordedRun.write(self.file, done.values())  # without a line that was cut
        return done

    def add(self, run: RecordedRun) -> None:
        """Keep it on disk."""
        with self.file.open("ab") as file:
            file.write(run.line)

    def close(self, *, is_whole: bool) -> None:
        """Forget it, and those of earlier states; where something failed it stays, and the next time asks for that."""
        for file in self.file.parent.glob("running-*.jsonl"):
            if is_whole or file != self.file:
                file.unlink()


class Meter:
    """Progress: a bar on a terminal, else a line each tenth."""

    @staticmethod
    @contextmanager
    def shown(console: Console, total: int) -> Iterator[Callable[[], None]]:
        """Call what it gives after each question."""
        if console.is_terminal:
            columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            with Progress(*columns, console=console, transient=True) as progress:
                task = progress.add_task("asking", total=total)
                yield lambda: progress.advance(task)
            return
        count = 0

        def advance() -> None:
            nonlocal count
            count += 1
            if total and count * 10 // total > (count - 1) * 10 // total:
                console.print(f"{count} of {total}")

        yield advance
