"""Whether a judge may be believed: what it says of runs that people have labelled."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson

from ..recorded import RecordedRun
from ..statistics import Interval, Statistics
from .metric import Metric, Score


@dataclass(frozen=True, slots=True)
class Labelled:
    """A run, and what people say of its answer."""

    GOOD: ClassVar = "good"

    label: str
    """`good`, or the name of its fault."""

    run: RecordedRun

    @property
    def is_good(self) -> bool:
        """Whether it has no fault."""
        return self.label == self.GOOD

    @classmethod
    def read(cls, file: Path) -> Sequence[Self]:
        """The lines of `file`: `{"label": ..., "run": {...}}`.

        Raises:
            KeyError: A line lacks one of both.
            ValueError: A line is no JSON, or its run is none.
        """
        lines = map(orjson.loads, file.read_bytes().splitlines())
        return [cls(it["label"], RecordedRun.model_validate(it["run"])) for it in lines]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a score was made by. Another one measures otherwise."""

    metric: str
    version: str
    model: str
    labelled: str
    """Digest of the labelled runs."""

    DIGITS: ClassVar = 12
    """Of the digest: two sets of one project have the same by no chance."""

    @classmethod
    def of(cls, metric: Metric, model: str, file: Path) -> Self:
        """The stamp of `metric` with `model`, held against the runs of `file`."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[: cls.DIGITS]
        return cls(metric.name, metric.version, model, digest)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a judge and the labels agree."""

    stamp: Stamp
    date: str
    labelled: int
    measured: int
    agreement: float | None
    kappa: float | None
    """Cohen's: agreement beyond chance. None where there is none to compute."""

    interval: Interval | None
    """Of kappa, by bootstrap over the runs."""

    recalls: Mapping[str, tuple[int, int]]
    """Of each fault, how many the judge saw of those that it measured."""

    KAPPA: ClassVar = 0.6
    """From here on a judge counts; "substantial agreement" begins at 0.61 (Landis and Koch 1977)."""

    UNPARSABLE: ClassVar = 0.05
    """Share of rows without a score up to which it counts; a guess."""

    @classmethod
    def of(cls, stamp: Stamp, labelled: Sequence[Labelled], scores: Sequence[Score], good_from: float) -> Self:
        """The calibration by `scores`, one for each of `labelled`."""
        pairs = [
            (it.is_good, score.score >= good_from)
            for it, score in zip(labelled, scores, strict=True)
            if score.score is not None
        ]
        recalls: dict[str, tuple[int, int]] = {}
        for it, score in zip(labelled, scores, strict=True):
            seen, of = recalls.get(it.label, (0, 0))
            if score.score is not None and not it.is_good:
                recalls[it.label] = seen + (score.score < good_from), of + 1
        agreement = sum(one == other for one, other in pairs) / len(pairs) if pairs else None
        interval = Statistics.bootstrap(pairs, lambda drawn: cls._kappa(drawn) or 0.0) if pairs else None
        today = datetime.now(UTC).date().isoformat()
        return cls(stamp, today, len(labelled), len(pairs), agreement, cls._kappa(pairs), interval, recalls)

    @property
    def doubts(self) -> list[str]:
        """Why the judge does not count; none: it does."""
        doubts = []
        unparsable = 1 - self.measured / self.labelled if self.labelled else 1.0
        if unparsable > self.UNPARSABLE:
            doubts.append(f"{self.labelled - self.measured} of {self.labelled} rows without a score")
        if self.kappa is None:
            doubts.append("no kappa")
        elif self.kappa < self.KAPPA:
            doubts.append(f"kappa {self.kappa:.2f} is below {self.KAPPA}")
        elif self.interval and self.interval[0] <= 0:
            doubts.append("the interval of kappa holds 0")
        return doubts

    @staticmethod
    def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
        if not pairs:
            return None
        n = len(pairs)
        observed = sum(one == other for one, other in pairs) / n
        one, other = (sum(column) / n for column in zip(*pairs, strict=True))
        chance = one * other + (1 - one) * (1 - other)
        return (observed - chance) / (1 - chance) if chance < 1 else None


class Calibrations:
    """The calibrations of a project, in a file that is committed."""

    FILE: ClassVar = Path("evaluation/calibration.json")

    def __init__(self, file: Path) -> None:
        self._file = file
        self._all: dict[str, Any] = orjson.loads(file.read_bytes()) if file.exists() else {}

    def keep(self, calibration: Calibration) -> None:
        """Write it down, in place of the metric's last one."""
        self._all[calibration.stamp.metric] = {**asdict(calibration), "doubts": calibration.doubts}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        self._file.write_bytes(orjson.dumps(self._all, option=options))

    def doubts(self, stamp: Stamp) -> list[str]:
        """Why scores with this stamp are not calibrated, and so gate nothing; none: they are."""
        kept = self._all.get(stamp.metric)
        if kept is None:
            return ["never calibrated: `evaluate calibrate`"]
        then, changed = kept["stamp"], asdict(stamp)
        told = [f"calibrated with {name} {then.get(name)}" for name in changed if then.get(name) != changed[name]]
        return told or list(kept["doubts"])

    def date(self, metric: str) -> str:
        """When the metric was calibrated last; empty: never."""
        return str(self._all.get(metric, {}).get("date", ""))
