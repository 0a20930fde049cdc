"""Decides whether a tool runs: by the agent's policy, and for a tool that writes by a person."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from pydantic_core import to_jsonable_python

from ..errors import ApprovalNeeded, PolicyViolation
from ..run_context import RunContext
from ..sources.policy import Policy
from ..telemetry.audit_log import AuditLog
from ..telemetry.metrics import ACCESS_REFUSED
from .leaks import Leaks

log = structlog.get_logger(__name__)


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
    """A person's approval of one call: its tool runs, once, and nothing else does."""

    def __init__(self, approval_id: str, call: PendingToolCall) -> None:
        self.id = approval_id
        self.call = call
        self.is_used = False
        """True from the moment its tool begins: before that, nothing can have been done."""
        self.is_done = False
        """True when its tool has returned, whatever comes after it."""

    def use(self, call: PendingToolCall) -> bool:
        """True the first time that it is used for the call that was approved, letter by letter."""
        if self.is_used or call != self.call:
            return False
        self.is_used = True
        return True


class ApprovalGate:
    """Collects the calls of writing tools in one task of one agent. None of them has run."""

    def __init__(self, leaks: Leaks, max_chars: int) -> None:
        """Refuse arguments of more than `max_chars`, or with leaks: they are shown to a person."""
        self._leaks = leaks
        self._max_chars = max_chars
        self.calls: list[PendingToolCall] = []

    @staticmethod
    def check(agent: str, tool: str, arguments: Mapping[str, Any]) -> None:
        """Pass when a person has approved just this call; each approval counts once.

        Raises:
            ApprovalNeeded: Nobody has; the call is collected.
            PolicyViolation: Nobody can be asked here, or its arguments may not be shown to anybody.
        """
        call = PendingToolCall(agent, tool, to_jsonable_python(dict(arguments)))
        run = RunContext.current()
        if run.approval and run.approval.use(call):
            return
        if run.gate is None:
            raise PolicyViolation("approval", "it writes: only the call that was approved may run")
        run.gate.add(call)
        raise ApprovalNeeded

    def add(self, call: PendingToolCall) -> None:
        """Collect a call, once however often a model asks for it.

        Raises:
            PolicyViolation: Its arguments may not be shown to anybody.
        """
        shown = orjson.dumps(call.arguments).decode()
        if len(shown) > self._max_chars:
            raise PolicyViolation("approval", "its arguments are too long (MESSAGE_MAX_CHARS)")
        if leak := self._leaks.find(shown):
            AuditLog.record("approval", "withheld", leak)
            raise PolicyViolation("approval", "its arguments hold what may not be shown")
        if call not in self.calls:
            self.calls.append(call)
            AuditLog.record("approval", "waiting", call.name)


class ToolPolicy:
    """What one agent's tools may do: agent x tool here, tool x resource in its connectors.

    Refusals are counted and logged here, with agent and tool and never with an argument.
    """

    TOOL: Final = "tool"
    """Kind of the refusal of a tool that is none, or that no policy names."""
    UNKNOWN: Final = "other"
    """Stands for every name that is no tool of the agent's: models invent many."""

    def __init__(self, agent: str, policy: Policy, built: Collection[str]) -> None:
        """Hold `policy` over the tools that `agent` has `built`."""
        self._agent = agent
        self._built = frozenset(built)
        self._writing = policy.requires_approval & self._built
        self._allowed = policy.tools & self._built | self._writing

    def allows(self, tool: str) -> bool:
        """True for a tool that exists and is named; one that writes still needs its approval."""
        return tool in self._allowed

    def writes(self, tool: str) -> bool:
        """True for a tool that runs when a person has approved the call."""
        return tool in self._writing

    @contextmanager
    def authorize(self, tool: str, arguments: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Run `tool` inside of this: whoever calls it, a model or the agent's own rules.

        Raises:
            PolicyViolation: The policy does not name the tool, or what it reached for.
            ApprovalNeeded: It writes, and no person has approved this call.
        """
        try:
            self._decide(tool, arguments or {})
            yield
        except PolicyViolation as refusal:
            name = tool if tool in self._built else self.UNKNOWN
            ACCESS_REFUSED.labels(self._agent, name, refusal.kind).inc()
            log.warning("access_refused", agent=self._agent, tool=name, kind=refusal.kind, remedy=refusal.remedy)
            raise

    def _decide(self, tool: str, arguments: Mapping[str, Any]) -> None:
        if not self.allows(tool):
            raise PolicyViolation(self.TOOL, "only the tools that the agent's policy names are run")
        if tool in self._writing:
            ApprovalGate.check(self._agent, tool, arguments)
