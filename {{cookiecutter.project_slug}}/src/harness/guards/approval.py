"""A person's approval: what a writing tool would do is proposed, and runs once when it is approved."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import orjson
import structlog
from pydantic_core import to_jsonable_python

from ..errors import ApprovalNeeded, PolicyViolation
from ..telemetry.audit_log import AuditLog
from .leaks import Leaks

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingToolCall:
    """A call that changes something: just what is shown to a person, and just what runs."""

    agent: str
    tool: str
    arguments: Mapping[str, Any]
    """JSON values, defaults among them."""

    @property
    def name(self) -> str:
        """What logs and the audit trail call it: no argument."""
        return f"{self.agent}.{self.tool}"


class Approval:
    """The approval of one call; inside of `granted` its tool runs, once, and nothing else does."""

    _CURRENT: ClassVar[ContextVar["Approval | None"]] = ContextVar("approval", default=None)

    def __init__(self, approval_id: str, call: PendingToolCall) -> None:
        self.id = approval_id
        self.call = call
        self.is_used = False
        """True from the moment its tool begins: before that, nothing can have been done."""

    @contextmanager
    def granted(self) -> Iterator[None]:
        """Let the call run in the block."""
        before = self._CURRENT.set(self)
        try:
            yield
        finally:
            self._CURRENT.reset(before)

    @classmethod
    def current(cls) -> "Approval | None":
        """The approval under which the caller runs; None outside of one."""
        return cls._CURRENT.get()

    def use(self, call: PendingToolCall) -> bool:
        """True the first time that it is used for the call that was approved, letter by letter."""
        if self.is_used or call != self.call:
            return False
        self.is_used = True
        return True


class ApprovalGate:
    """The calls of writing tools that came up in one task of one agent. None of them has run."""

    _CURRENT: ClassVar[ContextVar["ApprovalGate | None"]] = ContextVar("proposals", default=None)

    def __init__(self, leaks: Leaks, max_chars: int) -> None:
        self._leaks = leaks
        self._max_chars = max_chars
        self.calls: list[PendingToolCall] = []

    @classmethod
    @contextmanager
    def collect(cls, leaks: Leaks, max_chars: int) -> Iterator[Self]:
        """Collect them in the block; arguments of more than `max_chars`, or with leaks, are refused."""
        proposals = cls(leaks, max_chars)
        before = cls._CURRENT.set(proposals)
        try:
            yield proposals
        finally:
            cls._CURRENT.reset(before)

    @classmethod
    def current(cls) -> "ApprovalGate | None":
        """What is being collected around the caller."""
        return cls._CURRENT.get()

    @classmethod
    def check(cls, agent: str, tool: str, arguments: Mapping[str, Any]) -> None:
        """Pass when a person has approved just this call; each approval counts once.

        Raises:
            ApprovalNeeded: Nobody has; it is proposed now.
            PolicyViolation: Nobody can be asked here, or its arguments may not be shown to anybody.
        """
        call = PendingToolCall(agent, tool, to_jsonable_python(dict(arguments)))
        if (approval := Approval.current()) and approval.use(call):
            return
        proposals = cls.current()
        if proposals is None or approval is not None:
            raise PolicyViolation("approval", "it writes: only the call that was approved may run")
        proposals.add(call)
        raise ApprovalNeeded

    def add(self, call: PendingToolCall) -> None:
        """Take a call, once however often it is asked for.

        Raises:
            PolicyViolation: Its arguments may not be shown to anybody.
        """
        shown = orjson.dumps(call.arguments).decode()
        if len(shown) > self._max_chars:
            raise PolicyViolation("approval", "its arguments are too long (MESSAGE_MAX_CHARS)")
        if leaked := self._leaks.find(shown):
            AuditLog.record("approval", "withheld", leaked)
            raise PolicyViolation("approval", "its arguments hold what may not be shown")
        if call not in self.calls:  # a model that asks again for what waits already
            self.calls.append(call)
            AuditLog.record("approval", "waiting", call.name)
