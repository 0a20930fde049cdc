"""How many messages of one caller may be under way."""

from contextlib import ExitStack

import pytest

from harness.errors import RateLimitExceeded
from harness.limits.enforcement import RateLimiter
from harness.limits.per_caller import PerCallerLimiter
from harness.settings import Settings


def at_once(**changes: object) -> PerCallerLimiter:
    settings = Settings(**changes)  # type: ignore[arg-type] # settings
    return PerCallerLimiter(settings, RateLimiter(settings))


@pytest.mark.checklist("COST-2")
def test_one_message_more_than_allowed_is_refused_and_holds_no_place() -> None:
    limited = at_once(caller_max_running=2)
    with limited.acquire("one"):
        with limited.acquire("one"):
            for _ in range(3):
                with (
                    pytest.raises(RateLimitExceeded, match="caller-running"),
                    limited.acquire("one"),
                ):
                    pytest.fail("let in")
            with limited.acquire("other"):
                pass
        with limited.acquire("one"):
            pass


def test_a_message_that_fails_gives_its_place_back() -> None:
    limited = at_once(caller_max_running=1)
    with pytest.raises(RuntimeError), limited.acquire("one"):
        raise RuntimeError
    with limited.acquire("one"):
        pass
    assert not limited._running


@pytest.mark.parametrize(
    ("owner", "changes"),
    [
        ("", {"caller_max_running": 1}),
        ("one", {"caller_max_running": 0}),
        ("one", {"caller_max_running": 1, "limits": "observe"}),
        ("one", {"caller_max_running": 1, "limits": "off"}),
    ],
)
def test_nobody_is_held_without_a_name_or_where_nothing_is_enforced(
    owner: str, changes: dict[str, object]
) -> None:
    limited = at_once(**changes)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(limited.acquire(owner))
