"""A call is repeated where that may help, after a random wait, within its time and the budget."""

import asyncio

import pytest

from harness.models.failures import ModelCallFailed, Reason, Retries


class Flaky:
    """Fails as scripted, then works."""

    def __init__(self, *failures: ModelCallFailed) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "worked"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were wanted; none is made."""
    wanted: list[float] = []

    async def sleep(seconds: float) -> None:
        wanted.append(seconds)

    monkeypatch.setattr("harness.models.failures.asyncio.sleep", sleep)
    return wanted


def soon(seconds: float = 60) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize("reason", ["timeout", "connection", "busy", "upstream_error"])
async def test_what_may_pass_is_tried_again(waits: list[float], reason: Reason) -> None:
    call = Flaky(ModelCallFailed(reason))

    assert await Retries(1).run(call, soon()) == "worked"
    assert (call.calls, len(waits)) == (2, 1)


@pytest.mark.parametrize("reason", ["refused", "upstream_invalid", "overloaded", "breaker_open"])
async def test_what_another_try_cannot_mend_is_tried_once(waits: list[float], reason: Reason) -> None:
    call = Flaky(ModelCallFailed(reason))
    with pytest.raises(ModelCallFailed, match=reason):
        await Retries(5).run(call, soon())

    assert (call.calls, waits) == (1, [])


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_there_are_no_more_retries_than_configured(waits: list[float], retries: int) -> None:
    call = Flaky(*[ModelCallFailed("timeout")] * 9)
    with pytest.raises(ModelCallFailed, match="timeout"):
        await Retries(retries).run(call, soon())

    assert call.calls == 1 + retries


async def test_the_wait_is_anywhere_between_nothing_and_a_bound_that_doubles(waits: list[float]) -> None:
    retries = Retries(3)
    for _ in range(200):
        retries.budget = Retries.RESERVE
        with pytest.raises(ModelCallFailed):
            await retries.run(Flaky(*[ModelCallFailed("timeout")] * 9), soon())

    for nth in range(3):
        bound = Retries.FIRST_WAIT_SECONDS * 2**nth
        seen = waits[nth::3]
        assert 0 <= min(seen) < bound / 4
        assert bound * 3 / 4 < max(seen) <= bound


async def test_the_wait_that_a_provider_asks_for_is_kept(waits: list[float]) -> None:
    call = Flaky(ModelCallFailed("busy", retry_after_seconds=2))

    assert await Retries(1).run(call, soon()) == "worked"
    assert waits == [2]


async def test_a_wait_beyond_the_time_left_is_not_begun(waits: list[float]) -> None:
    call = Flaky(ModelCallFailed("busy", retry_after_seconds=3600))
    with pytest.raises(ModelCallFailed, match="busy"):
        await Retries(3).run(call, soon())

    assert (call.calls, waits) == (1, [])


async def test_in_an_outage_the_budget_ends_the_retries(waits: list[float]) -> None:
    retries = Retries(1)
    calls = 0
    for _ in range(100):
        call = Flaky(*[ModelCallFailed("upstream_error")] * 9)
        with pytest.raises(ModelCallFailed):
            await retries.run(call, soon())
        calls += call.calls

    assert 100 < calls <= 100 + Retries.RESERVE + 100 * Retries.SHARE


async def test_calls_that_work_fill_the_budget_again(waits: list[float]) -> None:
    retries = Retries(1)
    retries.budget = 0
    for _ in range(5):
        await retries.run(Flaky(), soon())

    assert await retries.run(Flaky(ModelCallFailed("timeout")), soon()) == "worked"
