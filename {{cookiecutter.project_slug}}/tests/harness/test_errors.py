from collections.abc import Iterator

import pytest

from harness.errors import (
    AccountUnverified,
    AgentUnknown,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalNeeded,
    ApprovalUnknown,
    BudgetExceeded,
    ClarificationNeeded,
    ConfigurationError,
    IdentityUnavailable,
    InputRefused,
    LimitsUnavailable,
    ModelUnavailable,
    Overloaded,
    PolicyViolation,
    RateLimitExceeded,
    RunUnknown,
    ScopeMissing,
    ServiceError,
    ShuttingDown,
    SourceUnavailable,
    StoreUnavailable,
    ThreadBusy,
    ThreadUnknown,
    Unauthenticated,
)

EXAMPLES = [
    ConfigurationError(["PORT: no number", "HOST: empty"]),
    InputRefused("message", "at most 10 characters"),
    ClarificationNeeded("Which planet?"),
    SourceUnavailable("rates.example", "timeout at 10.0.0.7"),
    PolicyViolation("host", "add the host"),
    ApprovalNeeded(),
    ApprovalUnknown(),
    ApprovalDecided(),
    ApprovalExpired(),
    Unauthenticated("signature of 10.0.0.7"),
    ScopeMissing("threads"),
    AccountUnverified("e-mail address"),
    IdentityUnavailable("timeout at 10.0.0.7"),
    RateLimitExceeded("caller", 12, {}),
    LimitsUnavailable(),
    ThreadUnknown("t1"),
    AgentUnknown("moons", "supervisor"),
    RunUnknown("r1"),
    ThreadBusy(0.5),
    StoreUnavailable("OperationalError at 10.0.0.7"),
    Overloaded("messages"),
    ShuttingDown(),
    BudgetExceeded("model calls", 5, "AGENT_MAX_MODEL_CALLS"),
    ModelUnavailable("agent", "timeout at 10.0.0.7"),
]


def leaves(root: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    for child in root.__subclasses__():
        yield child
        yield from leaves(child)


def test_every_error_has_its_http_status() -> None:
    assert all(400 <= error.status < 600 for error in leaves())


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
def test_an_error_has_a_text_for_the_caller_and_one_for_the_log(error: ServiceError) -> None:
    assert error.title
    assert error.detail
    assert str(error)
    assert "10.0.0.7" not in error.detail


def test_the_examples_above_cover_the_tree() -> None:
    assert {type(error) for error in EXAMPLES} == set(leaves())


def test_a_code_is_the_name_with_hyphens_or_the_one_that_callers_know() -> None:
    assert SourceUnavailable("a", "b").code == "source-unavailable"
    assert RateLimitExceeded("caller", 12, {}).code == "limit-reached"


def test_a_reason_may_hold_any_signs() -> None:
    assert str(SourceUnavailable("{a}", "{b}")) == "{a}: {b}"


def test_every_problem_of_the_settings_is_kept() -> None:
    error = ConfigurationError(["PORT: no number", "HOST: empty"])
    assert error.problems == ("PORT: no number", "HOST: empty")
    assert str(error) == "PORT: no number; HOST: empty"
