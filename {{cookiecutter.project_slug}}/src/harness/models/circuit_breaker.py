"""Leaves a model alone that has failed too often, and tries it again after a while."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final, Literal

import structlog

from ..telemetry.metrics import LLM_BREAKER_STATE
from .failures import ModelCallFailed

log = structlog.stdlib.get_logger(__name__)

BreakerState = Literal["closed", "half_open", "open"]


class CircuitBreaker:
    """Closed: calls pass. Open: none does. Half-open: one at a time tries whether it works again.

    It lives in this process; each replica finds out for itself. Own code, because a call that its
    request cut short must count neither way, which the libraries that were looked at (purgatory
    3.0, pybreaker 1.4) do not know.
    """

    SHOWN: Final[Mapping[BreakerState, int]] = {"closed": 0, "half_open": 1, "open": 2}

    def __init__(
        self, model: str, max_failures: int, open_seconds: float, now: Callable[[], float] = monotonic
    ) -> None:
        """Open after `max_failures` in a row, for `open_seconds` by the clock `now`."""
        self._model = model
        self._max_failures = max_failures
        self._open_seconds = open_seconds
        self._now = now
        self._failures = 0
        self._opened_at: float | None = None
        self._is_trying = False
        self._show("closed")

    @property
    def state(self) -> BreakerState:
        """What the next call meets."""
        if self._opened_at is None:
            return "closed"
        has_rested = self._now() - self._opened_at >= self._open_seconds
        return "half_open" if has_rested else "open"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let one call pass, and record its success or failure.

        Raises:
            ModelCallFailed: `breaker_open`; the call was not made.
        """
        is_trial = self._admit()
        try:
            yield
        except ModelCallFailed as failure:
            if failure.trips_breaker:
                self._record_failure(is_trial)
            elif failure.reason in ModelCallFailed.ANSWERED:
                self._record_success(is_trial)
            raise
        else:
            self._record_success(is_trial)
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
        self._show(state)
        log.info("breaker_half_open", model=self._model)
        return True

    def _record_failure(self, is_trial: bool) -> None:
        self._failures += 1
        if is_trial or (self._opened_at is None and self._failures >= self._max_failures):
            self._opened_at = self._now()
            self._show("open")
            log.warning("breaker_open", model=self._model, seconds=self._open_seconds)

    def _record_success(self, is_trial: bool) -> None:
        if self._opened_at is not None and not is_trial:
            return  # a call from before it opened
        self._failures = 0
        if is_trial:
            self._opened_at = None
            self._show("closed")
            log.info("breaker_closed", model=self._model)

    def _show(self, state: BreakerState) -> None:
        LLM_BREAKER_STATE.labels(self._model).set(self.SHOWN[state])
