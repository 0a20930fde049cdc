"""A metric over a recorded run, and what came of it: a score, or the reason why there is none."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from typing import ClassVar, Self

from ...errors import ConfigurationError
from ..recorded import RecordedRun
from ..statistics import Interval, Statistics
from .grader import Grader, NotMeasured, Sitting


class Metric(ABC):
    """Gives a run a score from 0 to 1. A new one is a subclass that `judges.py` names."""

    name: ClassVar[str]

    package: ClassVar[str] = ""
    """What it needs that the service has not; empty: nothing."""

    modules: ClassVar[Sequence[str]] = ()
    """Its modules that it asks; they take seconds to import."""

    asks: ClassVar[bool] = True
    """Whether it needs a judge. One that does not needs no calibration either."""

    good_from: ClassVar[float] = 0.5
    """The score from which on it calls a run good; a guess, which the calibration puts to the test."""

    REMEDY: ClassVar = "Ragas and TruLens have an environment of their own: `nox -s evaluation -- judge`"

    @classmethod
    def is_installed(cls) -> bool:
        """Whether what it needs is here."""
        return not cls.package or find_spec(cls.package) is not None

    @classmethod
    def load(cls) -> Self:
        """It, ready, its library imported: a row's time is the judge's.

        Raises:
            ConfigurationError: What it needs is not here, or cannot be imported.
        """
        if not cls.is_installed():
            raise ConfigurationError([f"{cls.name}: {cls.package} is not installed; {cls.REMEDY}"])
        try:
            for module in cls.modules:
                import_module(module)
        except ImportError as broken:
            raise ConfigurationError([f"{cls.name}: {cls.package} cannot be imported: {broken}"]) from broken
        return cls()

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

    def __init__(self, grader: Grader) -> None:
        self._grader = grader

    async def measure(self, metrics: Sequence[Metric], runs: Iterable[RecordedRun]) -> list[Score]:
        """Every metric over every run."""
        return [await self._row(metric, run) for run in runs for metric in metrics]

    async def _row(self, metric: Metric, run: RecordedRun) -> Score:
        sitting = Sitting(self._grader)
        score, reason = None, ""
        try:
            async with asyncio.timeout(self._grader.row_seconds):
                score = self._checked(await metric.score(run, sitting))
        except NotMeasured as none:
            reason = str(none)
        except TimeoutError:
            reason = f"no score within {self._grader.row_seconds:g} s"
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
