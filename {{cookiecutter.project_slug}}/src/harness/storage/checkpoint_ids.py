"""Checkpoint ids that rise within a thread, whatever the clocks of the processes that save it.

The newest checkpoint of a thread is the one with the highest id. LangGraph (1.2) makes ids from the
clock of the process alone: where it is behind the one that saved the turn before, the turn is
saved below it and never seen again, and so is every turn until the clock has caught up.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final
from uuid import UUID, uuid4

from langgraph.checkpoint.base import Checkpoint
from langgraph.pregel import _loop, main

LOW_BITS: Final = 12
"""Of the time, behind the version of a UUID of version 6: RFC 9562, section 5.6."""


class CheckpointIds:
    """Gives a checkpoint whose id is not above its parent's the next one after it."""

    EPOCH: Final = datetime.fromisoformat("1582-10-15T00:00:00+00:00")
    """Where the times of checkpoint ids begin: UUIDs of version 6 (RFC 9562, section 5.1)."""

    @classmethod
    def install(cls) -> None:
        """Make LangGraph use it; calling it again is harmless. Ids have no hook, so two names are replaced."""
        for module in (_loop, main):
            create = getattr(module, "create_checkpoint")  # noqa: B009  # private to mypy
            if not hasattr(create, "__wrapped__"):
                setattr(module, "create_checkpoint", cls._rising(create))  # noqa: B010  # the same

    @classmethod
    def _rising(cls, create: Callable[..., Checkpoint]) -> Callable[..., Checkpoint]:
        @wraps(create)
        def create_above_parent(checkpoint: Checkpoint, *given: Any, **named: Any) -> Checkpoint:
            made = create(checkpoint, *given, **named)
            if not named.get("id") and made["id"] <= checkpoint["id"]:
                made["id"] = cls.after(checkpoint["id"], made["id"])
            return made

        return create_above_parent

    @classmethod
    def first(cls, moment: datetime) -> str:
        """The text that ids made before `moment` sort before, and later ones after."""
        ticks = int((moment - cls.EPOCH).total_seconds() * 10_000_000)  # of 100 ns
        high, low = divmod(ticks, 1 << LOW_BITS)
        return f"{high >> 16:08x}-{high & 0xFFFF:04x}-6{low:03x}"

    @classmethod
    def at(cls, moment: datetime) -> str:
        """An id as it would have been made at `moment`."""
        time_part = cls.first(moment)
        return time_part + str(uuid4())[len(time_part) :]

    @staticmethod
    def after(parent: str, made: str) -> str:
        """The id that is one tick of 100 ns after `parent`, with the sequence and node of `made`."""
        before = UUID(parent).int >> 64
        ticks = ((before >> 16 << LOW_BITS) | (before & 0xFFF)) + 1
        high = (ticks >> LOW_BITS << 16) | (6 << LOW_BITS) | (ticks & 0xFFF)
        return str(UUID(int=(high << 64) | (UUID(made).int & (1 << 64) - 1)))
