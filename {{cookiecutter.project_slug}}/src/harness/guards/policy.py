"""Decides whether a tool runs, and records every refusal inside of it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

from ..errors import PolicyViolation
from ..sources.policy import Policy
from ..telemetry.metrics import ACCESS_REFUSED
from .approval import ApprovalGate

log = structlog.get_logger(__name__)


class ToolPolicy:
    """What one agent's tools may do: agent x tool here, tool x resource in its connectors.

    Refusals are counted and logged here, with agent and tool and never with an argument.
    """

    UNKNOWN: Final = "other"
    """Stands for every name that is no tool of the agent's: models invent many."""

    def __init__(self, agent: str, policy: Policy, built: Collection[str]) -> None:
        """Hold `policy` over the tools that `agent` has `built`."""
        self._agent = agent
        self._built = frozenset(built)
        self._writing = policy.writing & self._built
        self._allowed = policy.tools & self._built | self._writing

    def allows(self, tool: str) -> bool:
        """True for a tool that exists and is named; one that writes still needs its approval."""
        return tool in self._allowed

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
            log.warning(
                "access_refused",
                agent=self._agent,
                tool=name,
                kind=refusal.kind,
                remedy=refusal.remedy,
            )
            raise

    def _decide(self, tool: str, arguments: Mapping[str, Any]) -> None:
        if not self.allows(tool):
            raise PolicyViolation("tool", "only the tools that the agent's policy names are run")
        if tool in self._writing:
            ApprovalGate.check(self._agent, tool, arguments)
