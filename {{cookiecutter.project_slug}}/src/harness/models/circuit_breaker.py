"""A circuit breaker: after too many failures in a row a model is left alone for a while.

Own code, because a call that its request cut short must count neither way, which the libraries
that were looked at (purgatory 3.0, pybreaker 1.4) do not know; and because it is this short.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Literal

import structlog

from ..telemetry.metrics import LLM_BREAKER_STATE
from .failures import ModelCallFailed

log = structlog.stdlib.get_logger(__name__)

BreakerState = Literal["closed", "half_open", "open"]


class CircuitBreaker:
    """Closed: calls pass. Open: none does. Half-open: one at a time tries whether it works again.

    It lives in this process; each replica finds out for itself.
    """

    def __init__(
        self,
        model: str,
        max_failures: int,
        open_seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """Open after `max_failures` in a row, for `open_seconds` by the clock `now`."""
        self._model = model
        self._max_failures = max_failures
        self._open_seconds = open_seconds
        self._now = now
        self._failures = 0
        self._opened_at: float | None = None
        self._is_trying = False
        LLM_BREAKER_STATE.labels(model).set(0)

    @property
    def state(self) -> BreakerState:
        """What the next call meets."""
        if self._opened_at is None:
            return "closed"
        has_rested = self._now() - self._opened_at >= self._open_seconds
        return "half_open" if has_rested else "open"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let one call pass, and learn from how it ends.

        Raises:
            CallFailed: `breaker_open`; the call was not made.
        """
        is_trial = self._admit()
        try:
            yield
        except ModelCallFailed as failure:
            if failure.counts:
                self._failed(is_trial)
            elif failure.reason == "refused":  # it answers
                self._worked(is_trial)
            raise
        else:
            self._worked(is_trial)
        finally:
            if is_trial:
                self._is_trying = False

    def _admit(self) -> bool:
        """True for the one call that tries a half-open breaker."""
        state = self.state
        if state == "closed":
            return False
        if state == "open" or self._is_trying:
            raise ModelCallFailed("breaker_open")
        self._is_trying = True
        LLM_BREAKER_STATE.labels(self._model).set(1)
        log.info("breaker_half_open", model=self._model)
        return True

    def _failed(self, is_trial: bool) -> None:
        self._failures += 1
        is_too_often = self._opened_at is None and self._failures >= self._max_failures
        if is_trial or is_too_often:
            self._opened_at = self._now()
            LLM_BREAKER_STATE.labels(self._model).set(2)
            log.warning("breaker_open", model=self._model, seconds=self._open_seconds)

    def _worked(self, is_trial: bool) -> None:
        if self._opened_at is not None and not is_trial:
            return  # a call from before it opened
        self._failures = 0
        if is_trial:
            self._opened_at = None
            LLM_BREAKER_STATE.labels(self._model).set(0)
            log.info("breaker_closed", model=self._model)
