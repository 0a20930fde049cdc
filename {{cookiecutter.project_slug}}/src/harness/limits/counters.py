"""Counts over time, taken all or none: what rates and quotas are counted with.

Own code where the library `limits` (5.8) takes one limit at a time and gives nothing back: a message
is held to several limits at once, and what it reserved is settled when its price is known.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` units in each window, and how many of them are asked for now."""

    name: str
    """What refusals, headers and metrics call it; one of a few."""

    key: str
    """Whose count it is."""

    quota: int
    seconds: int
    """Length of a window; windows begin at multiples of it since 1970, in UTC."""

    is_sliding: bool = False
    """Count the window before by the part of it that the last `seconds` still hold, rounded up: no
    burst beyond the limit around the turn of a window."""

    amount: int = 1

    is_passing: bool = False
    """Of what a caller can have any number, such as threads: its count may be dropped before its
    window ends, since the next one begins at nothing anyway."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of one limit after a decision."""

    limit: Limit
    left: int
    reset_seconds: int
    """Until its window ends; a sliding one empties bit by bit."""


@dataclass(frozen=True, slots=True)
class LimitDecision:
    """Whether everything that was asked for may be had."""

    remaining: tuple[Remaining, ...]
    """In the order of the limits."""

    refused: Remaining | None
    """The first limit with too little left."""

    @classmethod
    def from_counts(cls, limits: Sequence[Limit], used: Sequence[int], now: float) -> "LimitDecision":
        """The decision over what was `used` of each limit before."""
        enough = [has + it.amount <= it.quota for it, has in zip(limits, used, strict=True)]
        is_taken = all(enough)
        remaining = tuple(
            Remaining(it, max(0, it.quota - has - it.amount * is_taken), math.ceil(it.seconds - now % it.seconds))
            for it, has in zip(limits, used, strict=True)
        )
        return cls(remaining, None if is_taken else remaining[enough.index(False)])


class LocalCounters:
    """Counts of this process. No await inside, so no lock is needed."""

    MOST_PASSING: Final = 4_000
    """Counts of passing limits that stay, the last used ones: about 2 MB."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, int], int] = {}
        self._passing: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        self._prune_at = 0.0

    async def acquire(self, limits: Sequence[Limit], *, count_only: bool = False) -> LimitDecision:
        """Take every amount or none; with `count_only`, take them whatever the decision."""
        now = time.time()
        self._prune(now)
        used = [self._used(it, now) for it in limits]
        decision = LimitDecision.from_counts(limits, used, now)
        if count_only or not decision.refused:
            self._add(limits, now)
        return decision

    async def add(self, limits: Sequence[Limit]) -> None:
        """Add amounts, which may be below zero; no failure is raised."""
        self._add(limits, time.time())

    def learn(self, limits: Sequence[Limit], counts: Sequence[int], now: float) -> None:
        """Take over what others have counted in the windows of `now`, so that counting goes on from there.

        Answers overtake each other: the higher count holds, until an amount is given back.
        """
        self._prune(now)
        for limit, count in zip(limits, counts, strict=True):
            here = self._count(limit, now)
            self._add([replace(limit, amount=(max(here, count) if limit.amount > 0 else count) - here)], now)

    def _count(self, limit: Limit, now: float, windows_ago: int = 0) -> int:
        counts = self._passing if limit.is_passing else self._counts
        return counts.get((limit.key, limit.seconds, int(now // limit.seconds) - windows_ago), 0)

    def _used(self, limit: Limit, now: float) -> int:
        used = self._count(limit, now)
        if limit.is_sliding:
            used += math.ceil(self._count(limit, now, 1) * (1 - now % limit.seconds / limit.seconds))
        return used

    def _add(self, limits: Sequence[Limit], now: float) -> None:
        for limit in limits:
            key = limit.key, limit.seconds, int(now // limit.seconds)
            counts = self._passing if limit.is_passing else self._counts
            counts[key] = max(0, counts.pop(key, 0) + limit.amount)  # the last used is last
            if len(self._passing) > self.MOST_PASSING:
                self._passing.popitem(last=False)

    def _prune(self, now: float) -> None:
        """Delete windows that no decision looks at any more, so that strangers fill no memory."""
        if now < self._prune_at:
            return
        counts = self._counts.items()
        self._counts = {it: n for it, n in counts if (it[2] + 2) * it[1] > now}
        shortest = min((seconds for _, seconds, _ in self._counts), default=1)
        self._prune_at = now + shortest
