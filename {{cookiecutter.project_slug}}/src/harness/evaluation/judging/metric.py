"""A metric over a recorded run, and what came of it: a score, or the reason why there is none."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from typing import ClassVar, Self

from ...errors import ConfigurationError
from ..recorded import RecordedRun
from ..statistics import Interval, Statistics
from .judge_model import JudgeModel, NotMeasured, Sitting


class Metric(ABC):
    """Gives a run a score from 0 to 1. A new one is a subclass that `Metrics` names."""

    name: ClassVar[str]

    asks: ClassVar[bool] = True
    """Whether it needs a judge. One that does not needs no calibration either."""

    good_from: ClassVar[float] = 0.5
    """The score from which on it calls a run good; a guess, which the calibration puts to the test."""

    def calls(self, run: RecordedRun) -> int:
        """How often it asks the judge about `run`, where every judgement can be read."""
        return int(self.asks)

    def __init__(self, expected: Mapping[str, Sequence[str]]) -> None:
        """Know the agents of each case that names any."""
        self.expected = expected

    @property
    @abstractmethod
    def version(self) -> str:
        """Of its prompt, or of its library: scores of two are not compared."""

    @abstractmethod
    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`, asking over `sitting`.

        Raises:
            NotMeasured: There is none; anything else that is raised counts as that too.
        """


class Metrics:
    """All metrics by name: the module and the class, imported when they are asked for."""

    ALL: ClassVar[Mapping[str, tuple[str, str]]] = {
        "grader": ("own_metric", "OwnMetric"),
        "faithfulness": ("ragas_metrics", "Faithfulness"),
        "answer_relevancy": ("ragas_metrics", "AnswerRelevancy"),
        "tool_call_f1": ("ragas_metrics", "ToolCallF1"),
        "groundedness": ("trulens_metrics", "Groundedness"),
        "relevance": ("trulens_metrics", "Relevance"),
    }

    PACKAGES: ClassVar[Mapping[str, str]] = {"ragas_metrics": "ragas", "trulens_metrics": "trulens"}
    """What a module needs that the service has not."""

    REMEDY: ClassVar = "Ragas and TruLens have an environment of their own: `nox -s judge -- judge`"

    @classmethod
    def installed(cls) -> list[str]:
        """The names of those that can be measured here."""
        packages = {name: cls.PACKAGES.get(module) for name, (module, _) in cls.ALL.items()}
        return [name for name, package in packages.items() if not package or find_spec(package)]

    @classmethod
    def load(cls, names: Iterable[str], expected: Mapping[str, Sequence[str]]) -> list[Metric]:
        """These metrics, their libraries imported.

        Raises:
            ConfigurationError: There is no such metric, or its library is not here, or cannot be imported.
        """
        metrics: list[Metric] = []
        for name in names:
            if name not in cls.ALL:
                raise ConfigurationError([f"{name} is no metric; there are {', '.join(cls.ALL)}"])
            if name not in cls.installed():
                raise ConfigurationError([f"{name} is not installed; {cls.REMEDY}"])
            module, kind = cls.ALL[name]
            try:
                metrics.append(getattr(import_module(f".{module}", __package__), kind)(expected))
            except ImportError as broken:
                raise ConfigurationError([f"{name}: {cls.PACKAGES[module]} cannot be imported: {broken}"]) from broken
        return metrics


@dataclass(frozen=True, slots=True)
class Score:
    """One metric over one run."""

    metric: str
    case: str
    variant: int
    sample: int
    score: float | None
    reason: str = ""
    """Why there is none."""


class Bench:
    """Measures row by row: one that fails costs no other."""

    TOLERANCE: ClassVar = 1e-6
    """A cosine of equal vectors may come out as 1.0000000002; arithmetic of doubles."""

    def __init__(self, judge: JudgeModel, at_once: int = 1) -> None:
        """Ask `judge` about so many rows side by side."""
        self._judge = judge
        self._room = asyncio.Semaphore(at_once)

    async def measure(self, metrics: Sequence[Metric], runs: Iterable[RecordedRun]) -> list[Score]:
        """Every metric over every run, in this order."""
        return await asyncio.gather(*(self._in_turn(metric, run) for run in runs for metric in metrics))

    async def _in_turn(self, metric: Metric, run: RecordedRun) -> Score:
        async with self._room:
            return await self._row(metric, run)

    async def _row(self, metric: Metric, run: RecordedRun) -> Score:
        sitting = Sitting(self._judge)
        score, reason = None, ""
        try:
            async with asyncio.timeout(self._judge.row_seconds):
                score = self._checked(await metric.score(run, sitting))
        except NotMeasured as none:
            reason = str(none)
        except TimeoutError:
            reason = f"no score within {self._judge.row_seconds:g} s"
        except Exception as failure:  # noqa: BLE001 - libraries raise what they like, and quote what was judged
            reason = f"{metric.name} failed: {type(failure).__name__}"
        if sitting.problem:  # a library may make a number of what it did not get
            score, reason = None, sitting.problem
        return Score(metric.name, *run.key, score, reason)

    @classmethod
    def _checked(cls, score: float | None) -> float:
        if score is None or not isfinite(score) or not -cls.TOLERANCE <= score <= 1 + cls.TOLERANCE:
            raise NotMeasured(f"{score} is no score")
        return min(1.0, max(0.0, float(score)))


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a metric, with how many rows it stands for."""

    metric: str
    measured: int
    rows: int
    mean: float | None
    interval: Interval | None
    """Bootstrap over cases: several samples of one are no independent evidence."""

    @classmethod
    def of(cls, metric: str, scores: Iterable[Score]) -> Self:
        """The mean of those that were measured."""
        rows = [it for it in scores if it.metric == metric]
        clusters: dict[str, list[float]] = {}
        for row in rows:
            if row.score is not None:
                clusters.setdefault(row.case, []).append(row.score)
        measured = sum(map(len, clusters.values()))
        if not measured:
            return cls(metric, 0, len(rows), None, None)
        interval = Statistics.bootstrap([*clusters.values()], cls._mean)
        return cls(metric, measured, len(rows), cls._mean([*clusters.values()]), interval)

    @staticmethod
    def _mean(clusters: Sequence[Sequence[float]]) -> float:
        return sum(map(sum, clusters)) / sum(map(len, clusters))
