"""The audit trail: who asked for what kind of thing, and what the guards decided, one line a turn.

Without what was asked and answered, unless AUDIT_CONTENT is on. Its lines are the event `audit` of
the logger `app.audit`, written whatever LOG_LEVEL says: send that logger to where your audit logs
are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, Self

import structlog

from ..run_context import RunContext
from .metrics import METRICS

Decision = Literal[
    "refused",
    "withheld",
    "masked",
    "corrected",
    "observed",
    "failed",
    "waiting",
    "approved",
    "rejected",
    "withdrawn",
]
"""`refused`: the message or the act; `withheld`: a text that was on its way to a model or a caller;
`observed`: it would have been refused, were the guard not set to watch; `failed`: the guard broke;
`waiting`, `approved`, `rejected`, `withdrawn`: a call that a person decides about."""


class AuditLog:
    """What the guards decided in one run. Its one line is written when the run ends."""

    LOGGER: Final = "app.audit"

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.decisions: list[dict[str, str]] = []
        self.fields: dict[str, Any] = {"outcome": "failed"}

    @classmethod
    @contextmanager
    def scope(cls, owner: str) -> Iterator[Self]:
        """The audit record of one run of `owner` (`Principal.owner`), written however the block ends."""
        audit = cls(owner)
        try:
            with RunContext.scope(audit=audit):
                yield audit
        finally:
            about = {"owner": audit.owner, **audit.fields}
            structlog.get_logger(cls.LOGGER).info("audit", **about, decisions=audit.decisions)

    @classmethod
    def record(cls, guard: str, decision: Decision, because: str) -> None:
        """Count what `guard` decided, and keep it for the run's line, if there is a run.

        `because` is a fixed identifier, such as the name of a rule: never user text.
        """
        METRICS.guard(guard, decision)
        if decision == "failed":
            METRICS.failure("guardrails", guard)
        if audit := RunContext.current().audit:
            audit.decisions.append({"guard": guard, "decision": decision, "because": because})

    @classmethod
    def annotate(cls, **about: Any) -> None:
        """Add fields to the run's line, if there is a run; the last value of a field counts."""
        if audit := RunContext.current().audit:
            audit.fields |= about
