"""What waits for a stranger ends with its share of the request's time."""

import asyncio

import pytest

from harness.limits.deadline import Deadline, DeadlineFraction

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
