"""Counts over time, taken all or none: what rates and quotas are held with.

Own code where the library `limits` (5.8) takes one limit at a time and gives nothing back: a message
is held to several limits at once, and what it reserved is settled when its price is known.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` units in each window, and how many of them are asked for now."""

    name: str
    """What refusals, headers and metrics call it; one of a few."""

    key: str
    """Whose count it is."""

    most: int
    seconds: int
    """Length of a window; windows begin at multiples of it since 1970, in UTC."""

    is_sliding: bool = False
    """Count the window before by the part of it that the last `seconds` still hold, rounded up: no
    burst beyond the limit around the turn of a window."""

    amount: int = 1

    is_passing: bool = False
    """Of what a caller can have any number, such as threads: its count may be forgotten before its
    window ends, since the next one begins at nothing anyway."""

    def with_amount(self, amount: int) -> "Limit":
        """The same limit, asked for another amount."""
        return replace(self, amount=amount)


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

    rooms: tuple[Remaining, ...]
    """In the order of the limits."""

    refused: Remaining | None
    """The first limit with too little left."""

    @classmethod
    def from_counts(
        cls, limits: Sequence[Limit], used: Sequence[int], now: float
    ) -> "LimitDecision":
        """The verdict over what was `used` of each limit before."""
        enough = [has + it.amount <= it.most for it, has in zip(limits, used, strict=True)]
        is_taken = all(enough)
        rooms = tuple(
            Remaining(it, max(0, it.most - has - it.amount * is_taken), cls._reset(it, now))
            for it, has in zip(limits, used, strict=True)
        )
        return cls(rooms, None if is_taken else rooms[enough.index(False)])

    @staticmethod
    def _reset(limit: Limit, now: float) -> int:
        return math.ceil(limit.seconds - now % limit.seconds)


class Counters(Protocol):
    """Where counts are kept."""

    async def acquire(self, limits: Sequence[Limit], *, even_beyond: bool = False) -> LimitDecision:
        """Take every amount or none; with `even_beyond`, take them whatever the verdict.

        Raises:
            LimitsUnavailable: The counts cannot be reached, and that is to be refused.
        """

    async def add(self, limits: Sequence[Limit]) -> None:
        """Add the amounts, which may be below zero; nothing is refused, no failure is told."""

    async def aclose(self) -> None:
        """Close connections."""


class LocalCounters:
    """Counts of this process. No two requests meet inside: nothing here waits."""

    MOST_PASSING: Final = 4_000
    """Counts of passing limits that are kept, the last used ones: about 2 MB."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, int], int] = {}
        self._passing: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        self._prune_at = 0.0

    async def acquire(self, limits: Sequence[Limit], *, even_beyond: bool = False) -> LimitDecision:
        """Take every amount or none."""
        now = time.time()
        self._prune(now)
        verdict = LimitDecision.from_counts(limits, [self._used(it, now) for it in limits], now)
        if even_beyond or not verdict.refused:
            self._add(limits, now)
        return verdict

    async def add(self, limits: Sequence[Limit]) -> None:
        """Add the amounts."""
        self._add(limits, time.time())

    async def aclose(self) -> None:
        """Nothing to close."""

    def _used(self, limit: Limit, now: float) -> int:
        window, passed = divmod(now, limit.seconds)
        counts = self._passing if limit.is_passing else self._counts
        used = counts.get((limit.key, limit.seconds, int(window)), 0)
        if limit.is_sliding:
            before = counts.get((limit.key, limit.seconds, int(window) - 1), 0)
            used += math.ceil(before * (1 - passed / limit.seconds))
        return used

    def _add(self, limits: Sequence[Limit], now: float) -> None:
        for limit in limits:
            key = limit.key, limit.seconds, int(now // limit.seconds)
            counts = self._passing if limit.is_passing else self._counts
            counts[key] = max(0, counts.pop(key, 0) + limit.amount)  # the last used is last
            if len(self._passing) > self.MOST_PASSING:
                self._passing.popitem(last=False)

    def _prune(self, now: float) -> None:
        """Forget windows that no verdict looks at any more, so that strangers fill no memory."""
        if now < self._prune_at:
            return
        kept = self._counts.items()
        self._counts = {it: n for it, n in kept if (it[2] + 2) * it[1] > now}
        shortest = min((seconds for _, seconds, _ in self._counts), default=1)
        self._prune_at = now + shortest
