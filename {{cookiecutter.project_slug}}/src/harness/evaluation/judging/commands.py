"""`evaluate judge`, `evaluate calibrate` and `evaluate upload`: judges over what `evaluate` has recorded."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson
from rich.console import Console
from rich.table import Table

from ...application import Application
from ...errors import ConfigurationError
from ...guards.personal_data import PiiRules
from ...project import Project
from ...settings import Settings
from ...telemetry.langsmith import LangSmith
from ...telemetry.logging import Logs
from ..case_files import Cases
from ..recorded import RecordedRun
from .calibration import Calibration, Calibrations, Labelled, Stamp
from .experiment import Experiment
from .grader import Grader
from .metric import Bench, Mean, Metric, Score
from .own_metric import OwnMetric
from .ragas_metrics import AnswerRelevancy, Faithfulness, ToolCallF1
from .trulens_metrics import Groundedness, Relevance

METRICS: Mapping[str, type[Metric]] = {
    it.name: it for it in (OwnMetric, Faithfulness, AnswerRelevancy, ToolCallF1, Groundedness, Relevance)
}
"""By the names that commands take."""


class Files:
    """Where things lie beside what a command names."""

    SAID: ClassVar = Path("var/evaluation/judge.jsonl")
    LABELLED: ClassVar = Path("evaluation/shipped/labelled.jsonl")

    @staticmethod
    def there(name: str | Path, remedy: str) -> Path:
        """The file.

        Raises:
            ConfigurationError: There is none.
        """
        if not (file := Path(name)).is_file():
            raise ConfigurationError([f"{file} is not there: {remedy}"])
        return file

    @classmethod
    def runs(cls, name: str) -> list[RecordedRun]:
        """The recorded runs in the file.

        Raises:
            ConfigurationError: There are none.
        """
        return [*RecordedRun.read(cls.there(name, "`evaluate` records runs"))]


@dataclass(kw_only=True)
class _Judging:
    """What a judge needs, and how its figures are shown."""

    metrics: str | None = None
    """Names, separated by commas; None: all that can be measured here."""

    labelled: str = str(Files.LABELLED)

    def __post_init__(self) -> None:
        self._console = Console(markup=False, highlight=False)
        self._settings = Settings()
        Logs(self._settings).install()

    def _chosen(self) -> Sequence[Metric]:
        if self.metrics is None:
            missing = [it.name for it in METRICS.values() if not it.is_installed()]
            if missing:
                self._console.print(f"left out: {', '.join(missing)}; {Metric.REMEDY}", soft_wrap=True)
            return [it.load() for it in METRICS.values() if it.name not in missing]
        names = [it.strip() for it in self.metrics.split(",")]
        if unknown := [it for it in names if it not in METRICS]:
            raise ConfigurationError([f"{it} is no metric; there are {', '.join(METRICS)}" for it in unknown])
        return [METRICS[it].load() for it in names]

    async def _measured(self, metrics: Sequence[Metric], runs: Sequence[RecordedRun]) -> tuple[list[Score], Grader]:
        grader = Grader(self._settings, Files.SAID)
        async with aclosing(grader):
            return await Bench(grader).measure(metrics, runs), grader

    def _stamp(self, metric: Metric, grader: Grader) -> Stamp:
        file = Files.there(self.labelled, "it comes with the template")
        return Stamp.of(metric, grader.model, file)

    @staticmethod
    def _number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    @classmethod
    def _range(cls, interval: Sequence[float] | None) -> str:
        return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


@dataclass(kw_only=True)
class Judge(_Judging):
    """Scores recorded runs. Only what is calibrated can fail."""

    runs: str
    scores: str
    at_least: str | None = None
    """Mean below which a calibrated metric fails."""

    def run(self) -> int:
        """Print the means, each with its denominator; 1 where a calibrated one is below `at_least`.

        Raises:
            ConfigurationError: There are no runs, or no judge.
        """
        runs = Files.runs(self.runs)
        least = self._share(self.at_least)
        metrics = self._chosen()
        for it in metrics:
            if isinstance(it, ToolCallF1):
                it.expected = {case.id: case.agents for case in self._cases().counting if case.agents}
        scores, grader = asyncio.run(self._measured(metrics, runs))
        calibrations = Calibrations(Calibrations.FILE)
        table = Table("Metric", "Measured", "Mean", "95 of 100", "Calibrated")
        failed = []
        lines = []
        for metric in metrics:
            mean = Mean.of(metric.name, scores)
            stamp = self._stamp(metric, grader)
            doubts = calibrations.doubts(stamp) if metric.asks else []
            counts = "yes" if metric.asks else "needs no judge"
            told = f"not calibrated: {'; '.join(doubts)}" if doubts else counts
            measured = f"{mean.measured} of {mean.rows}"
            table.add_row(metric.name, measured, self._number(mean.mean), self._range(mean.interval), told)
            if least is not None and not doubts and (mean.mean is None or mean.mean < least):
                failed.append(f"{metric.name} {self._number(mean.mean)} is below {least}")
            made_by = {**asdict(stamp), "calibrated": "" if doubts else calibrations.date(metric.name)}
            lines += [{**asdict(it), "stamp": made_by} for it in scores if it.metric == metric.name]
        file = Path(self.scores)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(orjson.dumps(it, option=orjson.OPT_APPEND_NEWLINE) for it in lines))
        for it in (it for it in scores if it.score is None):
            self._console.print(f"not measured: {it.metric} of {it.case}: {it.reason}", soft_wrap=True)
        self._console.print(table)
        self._console.print(f"judge {grader.model}: {grader.calls} calls; every row is in {self.scores}")
        self._console.print(*(f"failed: {it}" for it in failed), sep="\n", end="\n" * bool(failed))
        return int(bool(failed))

    @staticmethod
    def _share(text: str | None) -> float | None:
        try:
            return None if text is None else float(text)
        except ValueError:
            raise ConfigurationError([f"--at-least {text}: a number from 0 to 1 is wanted"]) from None

    @staticmethod
    def _cases() -> Cases:
        return Cases(Application.load().agents).load()


@dataclass(kw_only=True)
class Calibrate(_Judging):
    """Holds judges against labelled runs, and writes down what came of it."""

    def run(self) -> int:
        """Print the calibration of each metric that asks a judge; 1 where one is not calibrated.

        Raises:
            ConfigurationError: There are no labelled runs, or no judge.
        """
        labelled = Labelled.read(Files.there(self.labelled, "it comes with the template"))
        metrics = [it for it in self._chosen() if it.asks]
        scores, grader = asyncio.run(self._measured(metrics, [it.run for it in labelled]))
        calibrations = Calibrations(Calibrations.FILE)
        table = Table("Metric", "Measured", "Agreement", "Kappa", "95 of 100", "Faults seen", "")
        are_all = True
        for metric in metrics:
            mine = [it for it in scores if it.metric == metric.name]
            it = Calibration.of(self._stamp(metric, grader), labelled, mine, metric.good_from)
            calibrations.keep(it)
            seen = "\n".join(f"{fault}: {found} of {of}" for fault, (found, of) in it.recalls.items())
            verdict = f"not calibrated: {'; '.join(it.doubts)}" if it.doubts else "calibrated"
            figures = (self._number(it.agreement), self._number(it.kappa), self._range(it.interval))
            table.add_row(metric.name, f"{it.measured} of {it.labelled}", *figures, seen, verdict)
            are_all = are_all and not it.doubts
        self._console.print(table)
        self._console.print(f"judge {grader.model}: {grader.calls} calls")
        return int(not are_all)


@dataclass(kw_only=True)
class Upload:
    """Brings cases, runs and scores to LangSmith, or evaluates there where nothing is sent."""

    runs: str
    scores: str
    local: bool = False

    def run(self) -> None:
        """Say what was added.

        Raises:
            ConfigurationError: There are no runs, or no key.
        """
        settings = Settings()
        redactor = Logs(settings).install().redactor
        hidden = PiiRules(settings.personal_data_in).hidden
        if not (self.local or settings.langsmith_api_key):
            raise ConfigurationError(["LANGSMITH_API_KEY: set it, or evaluate right here with --local"])
        runs = Files.runs(self.runs)
        cases = Cases(Application.load().agents).load().counting
        client = Experiment.local_client() if self.local else LangSmith.client(settings, redactor, hidden)
        experiment = Experiment(client, LangSmith.masking(redactor, hidden), f"{Project.load().name} evaluation")
        if self.local:
            for metric, score, comment in experiment.run_locally(cases, runs, self._scores()):
                print(f"{metric}\t{'not measured' if score is None else score}\t{comment}")
            return
        told = ", ".join(f"{count} {what}" for what, count in experiment.update_dataset(cases).items())
        print(f"examples: {told}")
        name = experiment.upload(runs, self._scores())
        print(f"experiment: {name or 'this one is there already'}")

    def _scores(self) -> list[Score]:
        file = Path(self.scores)
        lines: list[dict[str, Any]] = [*map(orjson.loads, file.read_bytes().splitlines() if file.is_file() else ())]
        return [Score(**{key: value for key, value in it.items() if key != "stamp"}) for it in lines]
