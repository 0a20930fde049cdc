"""A clock that is behind, for what gives checkpoints their ids and their times."""

import time
from types import SimpleNamespace
from typing import Final

from langgraph.checkpoint.base import id as ids

VARIABLE: Final = "CLOCK_BEHIND_SECONDS"
"""Of a service process: by how much its clock is behind."""


def set_back(seconds: float) -> None:
    """Make the ids of this process as one that starts now, `seconds` behind."""
    behind = SimpleNamespace(time_ns=lambda: time.time_ns() - round(seconds * 1e9))
    setattr(ids, "time", behind)  # noqa: B010  # a module to mypy
    ids._last_v6_timestamp = None
