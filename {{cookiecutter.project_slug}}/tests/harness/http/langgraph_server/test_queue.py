"""How many runs a caller may have at the server."""

import pytest

from harness.errors import RateLimitExceeded
from harness.http.langgraph_server import queue as module
from harness.http.langgraph_server.queue import RunQueue
from harness.limits.concurrency import PerCallerLimiter
from harness.limits.rate_limiter import RateLimiter
from harness.settings import Settings

SECONDS = 45


def limiter(**settings: object) -> PerCallerLimiter:
    made = Settings(database_url="memory://", caller_max_running=1, **settings)  # type: ignore[arg-type]  # any of them
    return PerCallerLimiter(made, RateLimiter(made))


def test_a_run_that_never_begins_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now, queue, bound = [1000.0], RunQueue(), limiter()
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    queue.put("r1", "ana", bound, SECONDS)
    queue.put("r2", "eve", bound, SECONDS)
    with pytest.raises(RateLimitExceeded):
        queue.put("r3", "ana", bound, SECONDS)
    now[0] += SECONDS
    queue.put("r3", "ana", bound, SECONDS)
    queue.end("r3")
    queue.end("r3")
    queue.put("r4", "ana", bound, SECONDS)


@pytest.mark.parametrize(("caller", "limits"), [("", "enforce"), ("ana", "off"), ("ana", "observe")])
def test_who_is_not_held_to_limits_is_not_held_here(caller: str, limits: str) -> None:
    queue, bound = RunQueue(), limiter(limits=limits)
    for run in ("r1", "r2"):
        queue.put(run, caller, bound, SECONDS)
