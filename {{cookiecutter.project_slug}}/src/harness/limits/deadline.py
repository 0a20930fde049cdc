"""The wall deadline of a request: read timeouts start anew with every byte, this one never."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from enum import Enum
from time import monotonic
from typing import ClassVar, Optional


class DeadlineFraction(float, Enum):
    """How much of a request's time may be over when a step ends. A quick step leaves its rest.

    Guesses, made so that each step leaves enough for the lesser way behind it: rules after the
    planner, the data after an agent's model, the agents' own words after the writer.
    """

    PLAN = 0.25
    MODEL = 0.6
    """An agent with its model."""
    DATA = 0.8
    """An agent from its data alone."""
    WRITE = 0.9
    """What is left is for the audit, the thread's store and the way back."""


class Deadline:
    """The moment by which something must be done, known to everything that is done for it.

    It hangs on the context, which every task copies when it is made: what waits for a stranger
    asks `Deadline.within` and waits no longer than what remains. What runs outside of a request,
    such as a probe, finds none.
    """

    _CURRENT: ClassVar[ContextVar[Optional["Deadline"]]] = ContextVar("deadline", default=None)

    def __init__(self, begun: float, over: float) -> None:
        """Begin and be over at these moments of `time.monotonic`, in seconds."""
        self.begun = begun
        self.over = over

    @classmethod
    @contextmanager
    def scope(cls, seconds: float) -> Iterator["Deadline"]:
        """The deadline of everything in the block; never later than the one around it."""
        begun = monotonic()
        around = cls.current()
        over = begun + seconds
        with cls._set(cls(begun, min(over, around.over) if around else over)) as deadline:
            yield deadline

    @classmethod
    @asynccontextmanager
    async def until(cls, share: DeadlineFraction) -> AsyncIterator[None]:
        """The block ends when `share` of the current deadline's time is over, wherever it waits.

        Without a current deadline it takes its time.

        Raises:
            TimeoutError: It was cancelled there.
        """
        whole = cls.current()
        if whole is None:
            yield
            return
        over = whole.begun + share * (whole.over - whole.begun)
        with cls._set(cls(whole.begun, over)) as deadline:
            async with deadline.timeout():
                yield

    @classmethod
    def current(cls) -> Optional["Deadline"]:
        """The deadline that holds here; None where none was set."""
        return cls._CURRENT.get()

    @classmethod
    def clamp(cls, seconds: float) -> float:
        """`seconds`, or what remains of the current deadline where that is less."""
        deadline = cls.current()
        return min(seconds, deadline.remaining_seconds) if deadline else seconds

    @property
    def remaining_seconds(self) -> float:
        """Seconds until it is over; 0 once it is."""
        return max(0.0, self.over - monotonic())

    def timeout(self) -> asyncio.Timeout:
        """`async with` it: the block is cancelled at the deadline and raises TimeoutError."""
        return asyncio.timeout(self.remaining_seconds)

    @classmethod
    @contextmanager
    def _set(cls, deadline: "Deadline") -> Iterator["Deadline"]:
        before = cls._CURRENT.set(deadline)
        try:
            yield deadline
        finally:
            cls._CURRENT.reset(before)
