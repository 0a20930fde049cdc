"""Asks a model again where that may help: bounded in number, in time and by a budget."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from .failures import ModelCallFailed

T = TypeVar("T")


class RetryBudget:
    """Retries as a share of the calls: when everything fails, they must not multiply the load."""

    SHARE: Final = 0.2
    """Retries per call; the default of Finagle's RetryBudget."""

    RESERVE: Final = 10.0
    """Retries that are always saved up for a quiet hour: a service with few calls may retry too."""

    def __init__(self) -> None:
        self._saved = self.RESERVE

    def deposit(self) -> None:
        """Count one call."""
        self._saved = min(self.RESERVE, self._saved + self.SHARE)

    def spend(self) -> bool:
        """Take one retry; False when none is left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Retries:
    """Repeats a call on a retryable failure, after a random wait or the one that was asked for."""

    FIRST_WAIT_SECONDS: Final = 0.2
    """Upper bound of the first wait, doubled for each further one (full jitter: evenly from 0, see
    AWS's "Exponential Backoff and Jitter"); a guess."""

    LONGEST_WAIT_SECONDS: Final = 5.0
    """Upper bound of any wait that the provider did not ask for; a guess."""

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries
        self._budget = RetryBudget()
        self._jitter = wait_random_exponential(
            multiplier=self.FIRST_WAIT_SECONDS, max=self.LONGEST_WAIT_SECONDS
        )

    async def run(self, call: Callable[[], Awaitable[T]], until: float) -> T:
        """What `call` gives; no wait ends after `until`, in seconds of the event loop's clock.

        Raises:
            ModelCallFailed: The last failure.
        """
        self._budget.deposit()
        try:
            return await call()
        except ModelCallFailed as failure:
            if not failure.is_retryable or self._max_retries == 0:
                raise
            return await self._again(call, failure, until)

    async def _again(
        self, call: Callable[[], Awaitable[T]], failure: ModelCallFailed, until: float
    ) -> T:
        """The tries after the first, which tenacity is only told of: it costs 0.1 ms a call."""
        told = [failure]

        async def attempt() -> T:
            if told:
                raise told.pop()
            return await call()

        def is_over(state: RetryCallState) -> bool:
            is_last = state.attempt_number > self._max_retries
            comes_too_late = asyncio.get_running_loop().time() + state.upcoming_sleep >= until
            return is_last or comes_too_late or not self._budget.spend()

        retrying = AsyncRetrying(
            retry=retry_if_exception(self._may_help),
            stop=is_over,
            wait=self._wait,
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await retrying(attempt)

    @staticmethod
    def _may_help(error: BaseException) -> bool:
        return isinstance(error, ModelCallFailed) and error.is_retryable

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, ModelCallFailed) else None
        return self._jitter(state) if asked is None else asked
