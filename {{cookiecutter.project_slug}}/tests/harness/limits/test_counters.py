"""Counts: all or none, by window, no longer in memory than they matter."""

import time

import pytest

from harness.limits.counters import Limit, LocalCounters

NOON = 1_800_000_000.0
"""A multiple of a minute; no multiple of a day."""


def limit(quota: int, *, key: str = "one", seconds: int = 60, **more: object) -> Limit:
    return Limit("test", key, quota, seconds, **more)  # type: ignore[arg-type] # the test's to get right


class Clock:
    """The wall clock, as the test sets it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


async def test_so_many_pass_in_a_window_and_no_more(clock: Clock) -> None:
    counters = LocalCounters()
    decisions = [await counters.acquire([limit(2)]) for _ in range(3)]
    assert [bool(it.refused) for it in decisions] == [False, False, True]
    assert [it.remaining[0].left for it in decisions] == [1, 0, 0]
    clock.now += 30
    late = await counters.acquire([limit(2)])
    assert late.refused
    assert late.refused.reset_seconds == 30
    clock.now += 30
    assert not (await counters.acquire([limit(2)])).refused


async def test_a_sliding_window_lets_no_double_burst_through_at_its_turn(clock: Clock) -> None:
    counters = LocalCounters()
    clock.now += 59
    for _ in range(10):
        assert not (await counters.acquire([limit(10, is_sliding=True)])).refused
    clock.now += 2
    assert (await counters.acquire([limit(10, is_sliding=True)])).refused
    clock.now += 29
    assert not (await counters.acquire([limit(10, is_sliding=True)])).refused


async def test_what_one_limit_refuses_is_taken_of_none(clock: Clock) -> None:
    counters = LocalCounters()
    wide, narrow = limit(10, key="wide"), limit(1, key="narrow")
    assert not (await counters.acquire([wide, narrow])).refused
    refused = (await counters.acquire([wide, narrow])).refused
    assert refused
    assert refused.limit == narrow
    assert (await counters.acquire([wide])).remaining[0].left == 8


async def test_beyond_the_limit_is_counted_where_it_is_only_observed(clock: Clock) -> None:
    counters = LocalCounters()
    decisions = [await counters.acquire([limit(1)], count_only=True) for _ in range(3)]
    assert decisions[2].refused
    await counters.add([limit(1, amount=-2)])
    assert (await counters.acquire([limit(1)])).refused
    await counters.add([limit(1, amount=-1)])
    assert not (await counters.acquire([limit(1)])).refused


async def test_more_given_back_than_was_taken_makes_no_credit(clock: Clock) -> None:
    counters = LocalCounters()
    await counters.add([limit(1, amount=-5)])
    assert not (await counters.acquire([limit(1)])).refused
    assert (await counters.acquire([limit(1)])).refused


async def test_windows_that_are_over_leave_the_memory(clock: Clock) -> None:
    counters = LocalCounters()
    for number in range(100):
        await counters.acquire([limit(1, key=f"stranger {number}")])
    assert len(counters._counts) == 100
    clock.now += 180
    await counters.acquire([limit(1)])
    assert len(counters._counts) == 1


async def test_of_passing_counts_the_last_used_stay(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalCounters, "MOST_PASSING", 2)
    counters = LocalCounters()
    for key in ("used again", "left", "used again", "new"):
        await counters.add([limit(1, key=key, is_passing=True)])
    await counters.add([limit(1, key="caller")])
    refused = {
        key: (await counters.acquire([limit(1, key=key, is_passing=key != "caller")])).refused
        for key in ("used again", "new", "caller", "left")
    }
    assert [key for key, room in refused.items() if room] == ["used again", "new", "caller"]


async def test_what_others_counted_is_gone_on_from(clock: Clock) -> None:
    counters = LocalCounters()
    counters.learn([limit(10)], [7], clock.now)
    counters.learn([limit(10)], [6], clock.now)  # an answer that was overtaken
    assert (await counters.acquire([limit(10)])).remaining[0].left == 2
    counters.learn([limit(10, amount=-3)], [5], clock.now)
    assert (await counters.acquire([limit(10)])).remaining[0].left == 4
    clock.now += 60
    assert (await counters.acquire([limit(10)])).remaining[0].left == 9
