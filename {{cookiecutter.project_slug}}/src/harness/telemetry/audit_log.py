"""The audit trail: who asked for what kind of thing, and what the guards decided, one line a turn.

Without what was asked and answered, unless AUDIT_CONTENT is on. Its lines are the event `audit` of
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
    """What the guards decided in the turn that this context belongs to.

    Guards say it with `AuditLog.note`, which also counts it; the turn's line is written at its end.
    """

    LOGGER: Final = "app.audit"

    _CURRENT: ClassVar[ContextVar["AuditLog | None"]] = ContextVar("trail", default=None)

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.decisions: list[dict[str, str]] = []
        self._about: dict[str, Any] = {"outcome": "failed"}

    @classmethod
    @contextmanager
    def scope(cls, owner: str) -> Iterator[Self]:
        """The trail of one turn of `owner` (`Principal.owner`), written when the block ends, however it does."""
        trail = cls(owner)
        before = cls._CURRENT.set(trail)
        try:
            yield trail
        finally:
            cls._CURRENT.reset(before)
            known = {"owner": trail.owner, **trail._about}
            structlog.get_logger(cls.LOGGER).info("audit", **known, decisions=trail.decisions)

    @classmethod
    def record(cls, guard: str, decision: Decision, because: str) -> None:
        """Count what `guard` decided, and keep it for the turn's line, if there is a turn.

        `because` is a word of ours, such as the name of a rule: never a part of a text.
        """
        GUARD_DECISIONS.labels(guard, decision).inc()
        if decision == "failed":
            FAILURES.labels("guardrails", guard).inc()
        if trail := cls._CURRENT.get():
            trail.decisions.append({"guard": guard, "decision": decision, "because": because})

    def annotate(self, **about: Any) -> None:
        """Say what the turn was about; what is told last counts."""
        self._about |= about
