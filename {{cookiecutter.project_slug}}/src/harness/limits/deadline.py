"""The wall deadline of a request: read timeouts start anew with every byte, this one never."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum
from time import monotonic

from ..run_context import RunContext


class DeadlineFraction(float, Enum):
    """Fraction of the request's time by which a step must finish; a quick step leaves its rest.

    Guesses, made so that each step leaves enough for its fallback: rules after the planner, the
    data after an agent's model, the agents' answers after the writer.
    """

    PLAN = 0.25
    MODEL = 0.6
    """An agent with its model."""
    DATA = 0.8
    """An agent from its data alone."""
    WRITE = 0.9
    """What is left is for the audit, the thread's store and the way back."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a request must be done. What waits for a stranger asks `Deadline.clamp`."""

    begun: float
    over: float
    """A moment of `time.monotonic`, as `begun` is, in seconds."""

    whole: "Deadline | None" = None
    """That of the request, where this one is of a step in it."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """`seconds` from now, and never later than the current one."""
        begun, around = monotonic(), cls.current()
        over = begun + seconds
        return cls(begun, min(over, around.over) if around else over)

    @classmethod
    @contextmanager
    def scope(cls, seconds: float) -> Iterator["Deadline"]:
        """The deadline of everything in the block; never later than the one around it."""
        deadline = cls.after(seconds)
        with RunContext.scope(deadline=deadline):
            yield deadline

    @classmethod
    @asynccontextmanager
    async def until(cls, fraction: DeadlineFraction) -> AsyncIterator[None]:
        """The block ends when `fraction` of the current deadline's time is over, wherever it waits.

        Without a current deadline it takes its time.

        Raises:
            TimeoutError: It was cancelled there.
        """
        whole = cls.current()
        if whole is None:
            yield
            return
        over = whole.begun + fraction * (whole.over - whole.begun)
        with RunContext.scope(deadline=cls(whole.begun, over, whole.whole or whole)):
            async with cls.timeout():
                yield

    @classmethod
    def current(cls) -> "Deadline | None":
        """The deadline of the running task; None outside of a request, such as in a probe."""
        return RunContext.current().deadline

    @classmethod
    def clamp(cls, seconds: float) -> float:
        """`seconds`, or what remains of the current deadline where that is less."""
        deadline = cls.current()
        return min(seconds, deadline.remaining_seconds) if deadline else seconds

    @classmethod
    def clamp_whole(cls, seconds: float) -> float:
        """`seconds`, or what remains of the whole request where that is less: for what a step leaves at its end."""
        deadline = cls.current()
        return min(seconds, (deadline.whole or deadline).remaining_seconds) if deadline else seconds

    @property
    def remaining_seconds(self) -> float:
        """Seconds until it is over; 0 once it is."""
        return max(0.0, self.over - monotonic())

    @classmethod
    def timeout(cls) -> asyncio.Timeout:
        """`async with` it: the block is cancelled at the current deadline and raises TimeoutError."""
        deadline = cls.current()
        return asyncio.timeout(deadline.remaining_seconds if deadline else None)
