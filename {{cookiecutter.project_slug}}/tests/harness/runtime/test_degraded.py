"""The reasons for a lesser answer are stable: callers build on them."""

import pytest

from harness.errors import BudgetExceeded, ModelUnavailable
from harness.runtime.degraded import Degraded


def test_the_reasons_are_the_documented_ones() -> None:
    reasons = {value for name, value in vars(Degraded).items() if name.isupper()}
    reasons.remove(Degraded.TIMEOUT)  # a chain's word, not a caller's
    assert reasons == {
        "llm_disabled",
        "ungrounded",
        "wrong_language",
        "unsafe_answer",
        "kept_answer",
        "source_unavailable",
        "agent_failed",
        "out_of_time",
        "over_budget",
        "not_saved",
    }


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ModelUnavailable("agent", "breaker_open"), []),
        (AttributeError("a 200 with HTML"), []),
        (TimeoutError(), ["out_of_time"]),
        (ModelUnavailable("agent", "timeout"), ["out_of_time"]),
        (BudgetExceeded("tokens", 1, "RUN_MAX_TOKENS"), ["over_budget"]),
    ],
)
def test_a_model_that_gave_nothing_is_named_with_its_role_and_our_own_cause(
    failure: Exception, cause: list[str]
) -> None:
    assert Degraded.reasons_for("writer", failure) == ["writer_unavailable", *cause]
