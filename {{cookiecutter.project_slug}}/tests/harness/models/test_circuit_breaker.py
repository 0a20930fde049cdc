"""A model that fails again and again is left alone, and tried with one call after a while."""

from collections.abc import Iterator

import pytest

from harness.models.circuit_breaker import CircuitBreaker
from harness.models.failures import ModelCallFailed, Reason
from harness.settings import Settings
from harness.telemetry.logging import Logs
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Lines

MODEL = "openai:broken"


class Clock:
    """Time that a test moves."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with Logs(Settings()):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(MODEL, max_failures=3, open_seconds=30, now=clock)


def fail(breaker: CircuitBreaker, reason: Reason = "upstream_error", *, had_full_timeout: bool = True) -> None:
    with pytest.raises(ModelCallFailed, match=reason), breaker.guard():
        raise ModelCallFailed(reason, had_full_timeout=had_full_timeout)


def work(breaker: CircuitBreaker) -> None:
    with breaker.guard():
        pass


def state(breaker: CircuitBreaker) -> str:
    return breaker.state


def shown() -> float | None:
    return REGISTRY.get_sample_value("llm_breaker_state", {"model": MODEL})


def test_it_opens_at_the_limit_and_not_below(breaker: CircuitBreaker, lines: Lines) -> None:
    for _ in range(2):
        fail(breaker)
    assert (state(breaker), shown()) == ("closed", 0)

    fail(breaker)

    assert (state(breaker), shown()) == ("open", 2)
    with pytest.raises(ModelCallFailed, match="breaker_open"):
        work(breaker)
    assert [line["model"] for line in lines.named("breaker_open")] == [MODEL]


def test_an_answer_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    for _ in range(2):
        fail(breaker)
    work(breaker)
    for _ in range(2):
        fail(breaker)

    assert state(breaker) == "closed"


@pytest.mark.parametrize("reason", ["refused", "overloaded", "breaker_open"])
def test_what_does_not_speak_against_the_model_does_not_count(breaker: CircuitBreaker, reason: Reason) -> None:
    for _ in range(5):
        fail(breaker, reason)

    assert state(breaker) == "closed"


def test_a_call_that_its_request_cut_short_counts_neither_way(breaker: CircuitBreaker) -> None:
    fail(breaker)
    fail(breaker)
    for _ in range(5):
        fail(breaker, "timeout", had_full_timeout=False)
    assert state(breaker) == "closed"

    fail(breaker)

    assert state(breaker) == "open"


def test_after_its_rest_one_call_tries_and_its_success_closes_it(
    breaker: CircuitBreaker, clock: Clock, lines: Lines
) -> None:
    for _ in range(3):
        fail(breaker)
    clock.seconds += 29.9
    assert state(breaker) == "open"
    clock.seconds += 0.1
    assert state(breaker) == "half_open"

    with breaker.guard():
        assert shown() == 1
        with pytest.raises(ModelCallFailed, match="breaker_open"):
            work(breaker)  # a second one waits for what the first finds

    assert (state(breaker), shown()) == ("closed", 0)
    assert [line["event"] for line in lines.events] == ["breaker_open", "breaker_half_open", "breaker_closed"]


def test_a_failed_trial_opens_it_for_another_rest(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        fail(breaker)
    clock.seconds += 30
    fail(breaker)
    assert state(breaker) == "open"
    clock.seconds += 30

    work(breaker)

    assert state(breaker) == "closed"


def test_a_trial_that_ends_without_a_verdict_lets_another_one_try(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(3):
        fail(breaker)
    clock.seconds += 30
    with pytest.raises(KeyboardInterrupt), breaker.guard():
        raise KeyboardInterrupt
    assert state(breaker) == "half_open"

    work(breaker)

    assert state(breaker) == "closed"


def test_an_answer_to_a_call_from_before_it_opened_does_not_close_it(breaker: CircuitBreaker) -> None:
    with breaker.guard():
        for _ in range(3):
            fail(breaker)

    assert state(breaker) == "open"


@pytest.mark.parametrize("reason", sorted(ModelCallFailed.ANSWERED))
def test_what_a_question_causes_is_an_answer_of_the_model(
    breaker: CircuitBreaker, clock: Clock, reason: Reason
) -> None:
    for _ in range(3):
        fail(breaker)
        fail(breaker)
        fail(breaker, reason)
    assert state(breaker) == "closed"
    for _ in range(3):
        fail(breaker)
    clock.seconds += 30
    fail(breaker, reason)
    assert state(breaker) == "closed"
