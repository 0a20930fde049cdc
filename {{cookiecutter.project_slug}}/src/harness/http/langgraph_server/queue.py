"""How many runs a caller may have at the server, which itself takes any number."""

from collections.abc import MutableMapping
from time import monotonic
from typing import Final, Self

from fastapi import FastAPI

from ...limits.concurrency import PerCallerLimiter


class RunQueue:
    """The runs of this process that wait or are under way, from when they are let in until they end.

    One that never begins, because it was cancelled or refused after all, is forgotten after a time.
    """

    NAME: Final = "langgraph_runs"

    def __init__(self) -> None:
        """Empty."""
        self._runs: MutableMapping[str, tuple[str, float]] = {}

    @classmethod
    def of(cls, app: FastAPI) -> Self:
        """That of the service which `app` serves."""
        if not hasattr(app.state, cls.NAME):
            setattr(app.state, cls.NAME, cls())
        queue: Self = getattr(app.state, cls.NAME)
        return queue

    def put(self, run_id: str, caller_id: str, limiter: PerCallerLimiter, seconds: float) -> None:
        """Let a run in; count it until its end, no longer than `seconds`.

        Raises:
            RateLimitExceeded: Its caller has as many as may be under way at once.
        """
        now = monotonic()
        self._runs = {name: it for name, it in self._runs.items() if it[1] > now}
        limiter.check(caller_id, sum(caller == caller_id for caller, _ in self._runs.values()))
        self._runs[run_id] = (caller_id, now + seconds)

    def end(self, run_id: str) -> None:
        """Count it no more."""
        self._runs.pop(run_id, None)
