"""Lines for Amazon CloudWatch: those of `json`, and once a minute the figures of `/metrics` in embedded metric format.

CloudWatch makes metrics of such lines by itself, with no agent, no collector and no right beyond writing the log:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Each process tells its own; CloudWatch adds them.
"""

import asyncio
import logging
import re
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from ...project import Project
from ..log_format import LogFormat
from ..metrics import REGISTRY

LOGGER: Final = "app.metrics"
MILLISECONDS: Final = 1000
"""Of a second: what the format counts time in."""

Values = tuple[str, ...]
Key = tuple[str, Values]
"""A metric's name and its dimensions' values."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of CloudWatch, made from the samples of one name."""

    name: str
    dimensions: tuple[tuple[str, ...], ...]
    only: Mapping[str, str] = field(default_factory=dict)
    """Label -> pattern of the values that count."""
    combine: Literal["sum", "min", "max"] | None = None
    """How a gauge's samples become one; None for a counter."""

    @classmethod
    def load(cls) -> Sequence[Self]:
        """All of `cloudwatch.toml`."""
        tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
        return [
            cls(name, **{**table, "dimensions": tuple(map(tuple, table["dimensions"]))})
            for name, table in tables.items()
        ]

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of its first set of dimensions, which has all that the others have."""
        return self.dimensions[0]

    def key(self, sample: Sample) -> Key | None:
        """Where the sample counts; None: nowhere."""
        if not all(re.fullmatch(pattern, sample.labels[label]) for label, pattern in self.only.items()):
            return None
        return self.name, tuple(sample.labels[label] for label in self.labels)

    def joined(self, one: float, other: float) -> float:
        """Two samples of the same dimensions as one."""
        match self.combine:
            case "max":
                return max(one, other)
            case "min":
                return min(one, other)
        return one + other


class EmbeddedMetrics:
    """The figures of a registry as documents in embedded metric format."""

    def __init__(self, namespace: str, registry: CollectorRegistry = REGISTRY) -> None:
        """What was counted before now is not told."""
        self._namespace = namespace
        self._registry = registry
        self._series = {it.name: it for it in Series.load()}
        self._before = self._figures()

    def documents(self) -> Iterator[dict[str, Any]]:
        """What there is to tell since the last time: one document for what has the same dimensions."""
        figures = self._figures()
        groups: dict[tuple[tuple[Values, ...], Values], dict[str, float]] = {}
        for (name, values), figure in figures.items():
            series = self._series[name]
            told = figure if series.combine else max(figure - self._before.get((name, values), 0), 0)
            groups.setdefault((series.dimensions, values), {})[name] = told
        self._before = figures
        now = round(time.time() * MILLISECONDS)
        for (dimensions, values), metrics in groups.items():
            units = [{"Name": name, "Unit": self._unit(name)} for name in metrics]
            directive = {"Namespace": self._namespace, "Dimensions": [list(it) for it in dimensions], "Metrics": units}
            labels = dict(zip(dimensions[0], values, strict=True))
            yield {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, **labels, **metrics}

    def _unit(self, name: str) -> str:
        return "None" if self._series[name].combine else "Count"

    def _figures(self) -> dict[Key, float]:
        figures: dict[Key, float] = {}
        for family in self._registry.collect():
            for sample in family.samples:
                series = self._series.get(sample.name)
                key = series.key(sample) if series else None
                if series and key:
                    there = figures.get(key)
                    figures[key] = sample.value if there is None else series.joined(there, sample.value)
        return figures


class CloudWatch(LogFormat):
    """The lines of `json`; beside them the figures, at INFO whatever LOG_LEVEL says."""

    SECONDS: ClassVar[float] = 60
    """Between two reports: CloudWatch's own resolution, finer ones cost more."""

    @asynccontextmanager
    async def reporting(self, refresh: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
        """Report every minute, and a last time at the end."""
        logging.getLogger(LOGGER).setLevel(logging.INFO)
        metrics = EmbeddedMetrics(Project.load().name)
        task = asyncio.create_task(self._report(metrics, refresh))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._tell(metrics)

    async def _report(self, metrics: EmbeddedMetrics, refresh: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(self.SECONDS)
            try:
                await refresh()
                self._tell(metrics)
            except Exception:
                log.exception("metrics_not_told")

    @staticmethod
    def _tell(metrics: EmbeddedMetrics) -> None:
        for document in metrics.documents():
            log.info("metrics", **document)


log = structlog.stdlib.get_logger(LOGGER)

FORMAT = CloudWatch
