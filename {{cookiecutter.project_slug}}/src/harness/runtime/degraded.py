"""Why an answer is a lesser one: the stable reasons of `degraded_because`, all in one place."""

from typing import Final, Literal

from ..errors import BudgetExceeded, ModelUnavailable
from ..guards.output import OutputGuard

Role = Literal["planner", "model", "writer"]


class Degraded:
    """The reasons. Callers may build on them: a name keeps its meaning."""

    DISABLED: Final = "llm_disabled"
    """DISABLE_LLM is on."""

    UNGROUNDED: Final = "ungrounded"
    """A model stated a figure or a name that no tool had found; its words were left out."""

    LANGUAGE: Final = "wrong_language"
    """A model answered in another language than the question's; its words were left out."""

    UNSAFE: Final = "unsafe_answer"
    """A model wrote what may not leave: a prompt, a secret, markup, a stranger's link or personal data."""

    KEPT: Final = "kept_answer"
    """No model answered: a part was kept from an earlier run, a notice tells its age."""

    SOURCE: Final = "source_unavailable"
    """A data source gave nothing usable; the answer names the missing part."""

    AGENT: Final = "agent_failed"
    """An agent's own code failed; the answer names the missing part."""

    OUT_OF_TIME: Final = "out_of_time"
    """A model or a step was ended, so that the answer leaves before the deadline."""

    OVER_BUDGET: Final = "over_budget"
    """A model asked for more calls or tokens than a run may use."""

    NOT_SAVED: Final = "not_saved"
    """The thread does not remember this exchange: its store did not answer."""

    TIMEOUT: Final = "timeout"
    """What a chain of models says when the last of them took too long."""

    @classmethod
    def refused(cls, refusal: str) -> str:
        """The reason of a text that the outbound guard refused."""
        if refusal == OutputGuard.LANGUAGE:
            return cls.LANGUAGE
        return cls.UNGROUNDED if refusal == OutputGuard.UNGROUNDED else cls.UNSAFE

    @classmethod
    def reasons_for(cls, role: Role, failure: Exception) -> list[str]:
        """Why there is nothing from `role`: `planner_unavailable` and the like, and its cause."""
        reasons = [f"{role}_unavailable"]
        timed_out = isinstance(failure, ModelUnavailable) and failure.reason == cls.TIMEOUT
        if timed_out or isinstance(failure, TimeoutError):
            reasons.append(cls.OUT_OF_TIME)
        if isinstance(failure, BudgetExceeded):
            reasons.append(cls.OVER_BUDGET)
        return reasons
