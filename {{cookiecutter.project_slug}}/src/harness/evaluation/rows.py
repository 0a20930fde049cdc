"""The result of a case, and a figure over several."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from .statistics import Interval, Statistics

Outcome = Literal["passed", "failed", "not measured"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one sample of one case came to. What could not be measured is neither right nor wrong, and is counted."""

    case: str
    sample: int
    kind: str
    outcome: Outcome
    reason: str = ""
    """Why, unless it passed."""

    cluster: str = ""
    """What it is evidence together with; empty: its case alone."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate with all that one must know of it."""

    n: int
    """Rows that were measured."""

    passed: int
    not_measured: int
    interval: Interval
    """Wilson's, of clusters: samples of one case count once."""

    clusters: int
    """Independent ones among the measured."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """The figure of `rows`."""
        groups: dict[str, list[bool]] = defaultdict(list)
        not_measured = 0
        for row in rows:
            if row.outcome == "not measured":
                not_measured += 1
            else:
                groups[row.cluster or row.case].append(row.outcome == "passed")
        shares = [sum(it) / len(it) for it in groups.values()]
        measured = [it for group in groups.values() for it in group]
        interval = Statistics.wilson(sum(shares), len(shares))
        return cls(len(measured), sum(measured), not_measured, interval, len(shares))
