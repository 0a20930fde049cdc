"""The audit log: one line a turn with its caller, its outcome and what the guards decided.

Without the message and the answer, unless AUDIT_CONTENT is on. Its lines are the event `audit` of
the logger `app.audit`, written whatever LOG_LEVEL says: send that logger to where your audit logs
are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Literal, Self

import structlog

from .metrics import FAILURES, GUARD_DECISIONS

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
    """The decisions of the guards in the turn that this context belongs to.

    Guards add theirs with `AuditLog.record`, which also counts it; the line is written at the end.
    """

    LOGGER: Final = "app.audit"

    _CURRENT: ClassVar[ContextVar["AuditLog | None"]] = ContextVar("audit_log", default=None)

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.decisions: list[dict[str, str]] = []
        self._about: dict[str, Any] = {"outcome": "failed"}

    @classmethod
    @contextmanager
    def scope(cls, owner: str) -> Iterator[Self]:
        """The log of one turn of `owner` (`Principal.owner`), written when the block ends, however it does."""
        audit = cls(owner)
        before = cls._CURRENT.set(audit)
        try:
            yield audit
        finally:
            cls._CURRENT.reset(before)
            fields = {"owner": audit.owner, **audit._about, "decisions": audit.decisions}
            structlog.get_logger(cls.LOGGER).info("audit", **fields)

    @classmethod
    def record(cls, guard: str, decision: Decision, reason: str) -> None:
        """Count what `guard` decided, and add it to the turn's line, if there is a turn.

        `reason` is a fixed identifier, such as the name of a rule: never a part of a text.
        """
        GUARD_DECISIONS.labels(guard, decision).inc()
        if decision == "failed":
            FAILURES.labels("guardrails", guard).inc()
        if audit := cls._CURRENT.get():
            audit.decisions.append({"guard": guard, "decision": decision, "because": reason})

    def annotate(self, **about: Any) -> None:
        """Set fields of the turn's line; the last value counts."""
        self._about |= about
