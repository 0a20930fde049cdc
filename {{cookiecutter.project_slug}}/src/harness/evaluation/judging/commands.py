"""`evaluate judge`, `evaluate calibrate` and `evaluate upload`: judges over what `evaluate` has recorded."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson
from langsmith.utils import LangSmithError
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
from ..cases import Case
from ..recorded import RecordedRun
from .calibration import Calibration, Calibrations, Labelled, Stamp
from .experiment import Experiment
from .judge_model import JudgeModel
from .metric import Bench, Mean, Metric, Metrics, Score


class Files:
    """Where things lie beside what a command names."""

    SAID: ClassVar = Path("var/evaluation/judge.jsonl")

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
        file = cls.there(name, "`evaluate` records runs")
        try:
            return [*RecordedRun.read(file)]
        except ValueError:
            raise ConfigurationError([f"{file}: a line is no recorded run"]) from None

    @classmethod
    def labelled(cls, name: str) -> Sequence[Labelled]:
        """The labelled runs in the file.

        Raises:
            ConfigurationError: There are none.
        """
        file = cls.there(name, "the template brings evaluation/shipped/labelled.jsonl")
        try:
            return Labelled.read(file)
        except (KeyError, ValueError):
            raise ConfigurationError([f'{file}: a line has no "label" or no "run"']) from None

    @staticmethod
    def cases() -> Sequence[Case]:
        """The cases that count.

        Raises:
            ConfigurationError: A case file is wrong.
            ImportError: An agent needs a package that is not here.
        """
        application = Application.load()
        return Cases(application.agents, flow=application.flow).load().counting


@dataclass(kw_only=True)
class _Judging:
    """What a judge needs, and how its figures are shown."""

    metrics: str
    """Names, separated by commas; empty: all that can be measured here."""

    at_once: int
    labelled: str
    """File of the runs that calibrate."""

    def __post_init__(self) -> None:
        self._console = Console(markup=False, highlight=False, soft_wrap=True)
        self._settings = Settings()
        Logs(self._settings.model_copy(update={"log_level": "ERROR"})).install()  # a line for each call else

    def _chosen(self, expected: Mapping[str, Sequence[str]] | None = None) -> Sequence[Metric]:
        names = [it.strip() for it in self.metrics.split(",")] if self.metrics else Metrics.installed()
        if missing := Metrics.ALL.keys() - {*names} if not self.metrics else ():
            self._console.print(f"left out: {', '.join(sorted(missing))}; {Metrics.REMEDY}")
        return Metrics.load(names, expected or {})

    async def _measured(self, metrics: Sequence[Metric], runs: Sequence[RecordedRun]) -> tuple[list[Score], JudgeModel]:
        judge = JudgeModel(self._settings, Files.SAID)
        calls = sum(metric.calls(run) for metric in metrics for run in runs)
        self._console.print(
            f"about {calls} calls of {judge.model}, twice as many of one that answers in prose, less those asked before"
        )
        async with aclosing(judge):
            return await Bench(judge, self.at_once).measure(metrics, runs), judge

    def _stamp(self, metric: Metric, judge: JudgeModel) -> Stamp:
        return Stamp.of(metric, judge.model, Files.there(self.labelled, "it is what calibrates"))

    def _doubt(self, metric: Metric, doubts: Sequence[str]) -> None:
        if doubts:
            self._console.print(f"{metric.name} is not calibrated, so it gates nothing: {'; '.join(doubts)}")

    @staticmethod
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    @classmethod
    def _range(cls, interval: Sequence[float] | None) -> str:
        return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


@dataclass(kw_only=True)
class Judge(_Judging):
    """Scores recorded runs. Only what is calibrated can fail."""

    runs: str
    scores: str
    at_least: float
    """Mean below which a calibrated metric fails."""

    def run(self) -> int:
        """Print the means, each with its denominator; 1 where a calibrated one is below `at_least`.

        Raises:
            ConfigurationError: There are no runs, or no judge.
        """
        runs = Files.runs(self.runs)
        metrics = self._chosen(self._expected())
        scores, judge = asyncio.run(self._measured(metrics, runs))
        calibrations = Calibrations(Calibrations.FILE)
        table = Table("Metric", "Measured", "Mean", "95 of 100", "Calibrated")
        failed = []
        lines = []
        for metric in metrics:
            mean = Mean.of(metric.name, scores)
            stamp = self._stamp(metric, judge)
            doubts = calibrations.doubts(stamp) if metric.asks else []
            told = "no" if doubts else "yes" if metric.asks else "needs no judge"
            measured = f"{mean.measured} of {mean.rows}"
            table.add_row(metric.name, measured, self.number(mean.mean), self._range(mean.interval), told)
            if not doubts and self.at_least and (mean.mean is None or mean.mean < self.at_least):
                failed.append(f"{metric.name} {self.number(mean.mean)} is below {self.at_least}")
            self._doubt(metric, doubts)
            made_by = {**asdict(stamp), "calibrated": "" if doubts else calibrations.date(metric.name)}
            lines += [{**asdict(it), "stamp": made_by} for it in scores if it.metric == metric.name]
        file = Path(self.scores)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(orjson.dumps(it, option=orjson.OPT_APPEND_NEWLINE) for it in lines))
        for it in (it for it in scores if it.score is None):
            self._console.print(f"not measured: {it.metric} of {it.case}: {it.reason}")
        self._console.print(table)
        self._console.print(f"judge {judge.model}: {judge.calls} calls; every row is in {self.scores}")
        self._console.print(*(f"failed: {it}" for it in failed), sep="\n", end="\n" * bool(failed))
        return int(bool(failed))

    def _expected(self) -> Mapping[str, Sequence[str]]:
        try:
            cases = Files.cases()
        except ImportError as missing:  # the environment of the libraries has no package that you added
            self._console.print(f"no agents are expected, for they cannot be imported here: {missing}")
            return {}
        return {case.id: case.agents for case in cases if case.agents and not case.adds}


@dataclass(kw_only=True)
class Calibrate(_Judging):
    """Holds judges against labelled runs, and writes down what came of it."""

    def run(self) -> int:
        """Print the calibration of each metric that asks a judge; 1 where one is not calibrated.

        Raises:
            ConfigurationError: There are no labelled runs, or no judge.
        """
        labelled = Files.labelled(self.labelled)
        metrics = [it for it in self._chosen() if it.asks]
        scores, judge = asyncio.run(self._measured(metrics, [it.run for it in labelled]))
        calibrations = Calibrations(Calibrations.FILE)
        table = Table("Metric", "Measured", "Agreement", "Kappa", "95 of 100", "Calibrated")
        are_all = True
        for metric in metrics:
            mine = [it for it in scores if it.metric == metric.name]
            it = Calibration.of(self._stamp(metric, judge), labelled, mine, metric.good_from)
            calibrations.keep(it)
            figures = (self.number(it.agreement), self.number(it.kappa), self._range(it.interval))
            table.add_row(metric.name, f"{it.measured} of {it.labelled}", *figures, "no" if it.doubts else "yes")
            seen = ", ".join(f"{fault} {found} of {of}" for fault, (found, of) in it.recalls.items())
            self._console.print(f"{metric.name} saw: {seen or 'nothing'}")
            self._doubt(metric, it.doubts)
            are_all = are_all and not it.doubts
        self._console.print(table)
        self._console.print(f"judge {judge.model}: {judge.calls} calls")
        return int(not are_all)


@dataclass(kw_only=True)
class Upload:
    """Brings cases, runs and scores to LangSmith, or evaluates there where nothing is sent."""

    runs: str
    scores: str
    local: bool

    def run(self) -> None:
        """Say what was added.

        Raises:
            ConfigurationError: There are no runs, or no key.
        """
        settings = Settings()
        redactor = Logs(settings).install().redactor
        console = Console(markup=False, highlight=False, soft_wrap=True)
        hidden = PiiRules(settings.personal_data_in).hidden
        if not (self.local or settings.langsmith_api_key):
            raise ConfigurationError(["LANGSMITH_API_KEY: set it, or evaluate right here with --local"])
        runs = Files.runs(self.runs)
        cases = Files.cases()
        failures: list[Exception] = []
        remote = None if self.local else LangSmith.client(settings, redactor, hidden, failures.append)
        client = remote or Experiment.local_client()
        experiment = Experiment(client, LangSmith.masking(redactor, hidden), f"{Project.load().name} evaluation")
        experiment.failures = failures
        if self.local:
            rows = experiment.run_locally(cases, runs, self._scores())
            for metric in dict.fromkeys(it.metric for it in rows):
                it = Mean.of(metric, rows)
                console.print(f"{metric}: {it.measured} of {it.rows} measured, mean {_Judging.number(it.mean)}")
            return
        try:
            told = ", ".join(f"{count} {what}" for what, count in experiment.update_dataset(cases).items())
            console.print(f"examples: {told}")
            name = experiment.upload(runs, self._scores())
        except LangSmithError as failure:
            problem = f"LangSmith has not taken it ({type(failure).__name__}); upload it again"
            raise ConfigurationError([problem]) from None
        console.print(f"experiment: {name or 'this one is there already'}")

    def _scores(self) -> list[Score]:
        file = Path(self.scores)
        lines: list[dict[str, Any]] = [*map(orjson.loads, file.read_bytes().splitlines() if file.is_file() else ())]
        return [Score(**{key: value for key, value in it.items() if key != "stamp"}) for it in lines]
