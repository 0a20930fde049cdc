"""The audit log: one line a turn with its caller, its outcome and what the guards decided.

Without the message and the answer, unless AUDIT_CONTENT is on. Its lines are the event `audit` of
the logger `app.audit`, written whatever LOG_LEVEL says: send that logger to where your audit logs
are stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, Self

import structlog

from ..run_context import RunContext
from .metrics import FAILURES, GUARD_DECISIONS

Decision = Literal[
    "refused", "withheld", "masked", "corrected", "observed", "failed", "waiting", "approved", "rejected", "withdrawn"
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
            fields = {"owner": audit.owner, **audit.fields, "decisions": audit.decisions}
            structlog.get_logger(cls.LOGGER).info("audit", **fields)

    @classmethod
    def record(cls, guard: str, decision: Decision, reason: str) -> None:
        """Count what `guard` decided, and add it to the run's line, if there is a run.

        `reason` is a fixed identifier, such as the name of a rule: never a part of a text.
        """
        GUARD_DECISIONS.labels(guard, decision).inc()
        if decision == "failed":
            FAILURES.labels("guardrails", guard).inc()
        if audit := RunContext.current().audit:
            audit.decisions.append({"guard": guard, "decision": decision, "because": reason})

    @classmethod
    def annotate(cls, **about: Any) -> None:
        """Set fields of the run's line, if there is a run; the last value counts."""
        if audit := RunContext.current().audit:
            audit.fields |= about
