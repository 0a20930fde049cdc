"""Tests of `deadline`, `budget` and `concurrency`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from harness.errors import BudgetExceeded, Overloaded, RateLimitExceeded
from harness.limits.budget import Budget, RunLimits
from harness.limits.concurrency import ConcurrencyLimiter, PerCallerLimiter
from harness.limits.deadline import Deadline, DeadlineFraction
from harness.limits.rate_limiter import RateLimiter
from harness.settings import Settings

# What waits for a stranger ends with its share of the request's time.

LONG = 3600.0


def test_outside_of_a_request_there_is_no_deadline() -> None:
    assert Deadline.current() is None
    assert Deadline.clamp(5) == 5


def test_a_wait_is_as_long_as_wanted_or_as_what_remains() -> None:
    with Deadline.scope(LONG) as deadline:
        assert Deadline.current() is deadline
        assert Deadline.clamp(5) == 5
        assert LONG - 60 < Deadline.clamp(2 * LONG) <= LONG
    assert Deadline.current() is None


def test_a_deadline_never_outlives_the_one_around_it() -> None:
    with Deadline.scope(1), Deadline.scope(LONG) as inner:
        assert inner.remaining_seconds <= 1


def test_what_is_over_has_no_time_left() -> None:
    with Deadline.scope(-1) as deadline:
        assert deadline.remaining_seconds == 0
        assert Deadline.clamp(5) == 0


async def test_a_task_that_a_request_starts_knows_its_deadline() -> None:
    async def ask() -> Deadline | None:
        return Deadline.current()

    with Deadline.scope(LONG) as deadline:
        started = asyncio.create_task(ask())
    assert await started is deadline


@pytest.mark.checklist("TEST-3")
async def test_a_step_that_hangs_ends_with_its_share() -> None:
    with Deadline.scope(0.05):
        with pytest.raises(TimeoutError):
            async with Deadline.until(DeadlineFraction.PLAN):
                await asyncio.Event().wait()
        assert Deadline.clamp(LONG) > 0  # the rest is for the steps behind it


async def test_a_step_sees_its_share_and_the_next_one_sees_more() -> None:
    remaining = []
    with Deadline.scope(LONG):
        for share in DeadlineFraction:
            async with Deadline.until(share):
                remaining.append(Deadline.clamp(LONG) / LONG)
    assert remaining == pytest.approx([0.25, 0.6, 0.8, 0.9], abs=0.02)


async def test_a_step_outside_of_a_request_takes_its_time() -> None:
    async with Deadline.until(DeadlineFraction.PLAN):
        await asyncio.sleep(0)
    assert Deadline.current() is None


async def test_a_step_that_begins_too_late_ends_at_its_first_wait() -> None:
    with Deadline.scope(0), pytest.raises(TimeoutError):
        async with Deadline.until(DeadlineFraction.WRITE):
            await asyncio.Event().wait()


# A run over its budget stops before the next call.

TAKE: dict[str, Callable[[], None]] = {"model calls": Budget.take_model_call, "tool calls": Budget.take_tool_call}


@dataclass
class Spent:
    input_tokens: int = 0
    output_tokens: int = 0


def taken(take: Callable[[], None], tries: int) -> int:
    done = 0
    for _ in range(tries):
        try:
            take()
        except BudgetExceeded:
            continue
        done += 1
    return done


@pytest.mark.parametrize("what", TAKE)
@pytest.mark.parametrize(("tries", "let_through"), [(2, 2), (3, 3), (4, 3), (50, 3)])
def test_as_many_calls_as_allowed_are_let_through(what: str, tries: int, let_through: int) -> None:
    with Budget.scope(RunLimits("RUN", model_calls=3, tool_calls=3)):
        assert taken(TAKE[what], tries) == let_through


@pytest.mark.parametrize("what", TAKE)
def test_a_refusal_names_the_limit_and_its_setting(what: str) -> None:
    with Budget.scope(RunLimits("AGENT", 0, 0)), pytest.raises(BudgetExceeded) as refused:
        TAKE[what]()
    assert f"AGENT_MAX_{what.upper().replace(' ', '_')}" in str(refused.value)
    assert str(refused.value).startswith("0 ")


@pytest.mark.parametrize("what", TAKE)
async def test_agents_side_by_side_share_the_budget_of_their_run(what: str) -> None:
    async def agent() -> int:
        with Budget.scope(RunLimits("AGENT", 4, 4)):
            done = 0
            for _ in range(10):
                await asyncio.sleep(0)
                done += taken(TAKE[what], 1)
            return done

    with Budget.scope(RunLimits("RUN", 7, 7)):
        counts = await asyncio.gather(agent(), agent(), agent())
        assert sum(counts) == 7
        assert max(counts) <= 4
        assert taken(TAKE[what], 1) == 0


def test_what_an_agent_is_refused_is_not_taken_from_the_run() -> None:
    with Budget.scope(RunLimits("RUN", 3, 3)):
        with Budget.scope(RunLimits("AGENT", 1, 1)):
            assert taken(Budget.take_model_call, 5) == 1
        assert taken(Budget.take_model_call, 5) == 2


@pytest.mark.parametrize(("used", "allowed"), [(98, True), (99, True), (100, False), (101, False)])
def test_no_model_is_called_once_the_tokens_are_used(used: int, allowed: bool) -> None:
    with Budget.scope(RunLimits("RUN", 9, 9, tokens=100), Spent(used, 0)):
        assert (taken(Budget.take_model_call, 1) == 1) is allowed
        assert taken(Budget.take_tool_call, 1) == 1


def test_input_and_output_count_as_tokens() -> None:
    with Budget.scope(RunLimits("RUN", 9, 9, tokens=100), Spent(50, 50)), pytest.raises(BudgetExceeded):
        Budget.take_model_call()


def test_outside_of_a_run_nothing_is_counted() -> None:
    assert taken(Budget.take_model_call, 99) == 99


# What is slow takes its own places and no more; whoever finds none is told at once.

LONG_SECONDS = 30


@asynccontextmanager
async def held(limiter: ConcurrencyLimiter) -> AsyncIterator[None]:
    async with limiter.acquire(LONG_SECONDS):
        yield


async def test_a_call_beyond_places_and_queue_is_refused_at_once() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    entered = asyncio.Event()

    async def wait() -> None:
        async with limiter.acquire(LONG_SECONDS):
            entered.set()

    async with held(limiter):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="model"):
            async with limiter.acquire(LONG_SECONDS):
                pass
        assert not entered.is_set()

    await waiting
    assert entered.is_set()


async def test_who_waits_for_a_place_too_long_is_refused_and_leaves_the_queue() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=1)
    async with held(limiter):
        for _ in range(3):  # a place in the queue that was not given back would refuse the second
            with pytest.raises(Overloaded, match="model"):
                async with asyncio.timeout(LONG_SECONDS), limiter.acquire(0.01):
                    pass

    async with held(limiter):
        assert limiter.waiting == 0


async def test_a_failed_call_gives_its_place_back() -> None:
    limiter = ConcurrencyLimiter("model", max_running=1, max_waiting=0)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with held(limiter):
                raise KeyError


def per_caller(**changes: object) -> PerCallerLimiter:
    settings = Settings(**changes)  # type: ignore[arg-type] # settings
    return PerCallerLimiter(settings, RateLimiter(settings))


@pytest.mark.checklist("COST-2")
def test_one_message_more_than_allowed_is_refused_and_holds_no_place() -> None:
    limited = per_caller(caller_max_running=2)
    with limited.acquire("one"):
        with limited.acquire("one"):
            for _ in range(3):
                with pytest.raises(RateLimitExceeded, match="caller-running"), limited.acquire("one"):
                    pytest.fail("let in")
            with limited.acquire("other"):
                pass
        with limited.acquire("one"):
            pass


def test_a_message_that_fails_gives_its_place_back() -> None:
    limited = per_caller(caller_max_running=1)
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
def test_nobody_is_held_without_a_name_or_where_nothing_is_enforced(owner: str, changes: dict[str, object]) -> None:
    limited = per_caller(**changes)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(limited.acquire(owner))
