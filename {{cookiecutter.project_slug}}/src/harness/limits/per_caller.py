"""How many messages of one caller are answered at once, so that one cannot take every place."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..settings import Settings
from .counters import Limit, Remaining
from .enforcement import RateLimiter

RETRY_SECONDS: Final = 1
"""What a refused caller is told to wait, seconds: an answer takes about that. A guess."""


class PerCallerLimiter:
    """Counts what runs, by caller, in this process.

    Callers without a name are not held: they would all be one. Their rate by address holds them.
    """

    NAME: Final = "caller-running"

    def __init__(self, settings: Settings, enforcement: RateLimiter) -> None:
        """Take the bound from the settings; 0 is none."""
        self._most = settings.caller_max_running
        self._enforcement = enforcement
        self._running: Counter[str] = Counter()

    @contextmanager
    def acquire(self, owner: str) -> Iterator[None]:
        """One message of a caller, under way as long as the block.

        Raises:
            RateLimitExceeded: It has too many under way.
        """
        if not (owner and self._most) or self._enforcement.mode == "off":
            yield
            return
        if self._running[owner] >= self._most:
            limit = Limit(self.NAME, owner, self._most, RETRY_SECONDS)
            self._enforcement.refuse(Remaining(limit, 0, RETRY_SECONDS))
        self._running[owner] += 1
        try:
            yield
        finally:
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]
