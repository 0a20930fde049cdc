"""A run over its budget stops before the next call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from harness.errors import BudgetExceeded
from harness.limits.budget import Budget, RunLimits

TAKE: dict[str, Callable[[], None]] = {
    "model calls": Budget.take_model_call,
    "tool calls": Budget.take_tool_call,
}


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
    with (
        Budget.scope(RunLimits("RUN", 9, 9, tokens=100), Spent(50, 50)),
        pytest.raises(BudgetExceeded),
    ):
        Budget.take_model_call()


def test_outside_of_a_run_nothing_is_counted() -> None:
    assert taken(Budget.take_model_call, 99) == 99
