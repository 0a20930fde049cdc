"""The guard against texts that want to be obeyed: the rules, and stronger detectors beside them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, Protocol

import structlog

from ..limits.deadline import Deadline
from ..telemetry.audit_log import AuditLog, Decision
from .injection import InjectionRules

log = structlog.get_logger(__name__)

Origin = Literal["message", "memory", "tool_result"]
"""Where a text comes from: a caller, the thread's history, or what a tool brought back."""

Mode = Literal["enforce", "observe", "off"]


class Detector(Protocol):
    """Tells texts that want to be obeyed. It is asked beside the rules and never instead of them."""

    name: str
    """A word for logs and metrics."""

    async def finds(self, text: str, origin: Origin) -> bool:
        """True for an attack. It may raise whatever it likes and take its time: both are handled."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Detection:
    """Why a text is not let through."""

    reason: str
    """The name of a rule or of a detector."""

    by: Literal["rules", "detector", "failure"]
    """`failure`: nothing was found, but the one that is named could not say."""


class InjectionGuard:
    """Decides whether a text is read by models, and says so in the audit trail.

    A detector that fails or takes too long counts as a suspicion of a tool's result, always; of a
    message as configured. It is counted either way.
    """

    NOTED: Final[Mapping[Origin, tuple[str, Decision]]] = {
        "message": ("injection", "refused"),
        "memory": ("memory", "withheld"),
        "tool_result": ("tool_result", "withheld"),
    }
    """Origin -> the guard's name in the trail, and what it decides."""

    RULES: Final = "rules"

    APART: Final = "\n"
    """Between texts that are looked through together."""

    def __init__(
        self,
        mode: Mode = "enforce",
        detectors: Sequence[Detector] = (),
        *,
        timeout_seconds: float = 0,
        is_closed: bool = False,
        rules: InjectionRules | None = None,
    ) -> None:
        """Ask the rules and `detectors`, each for at most `timeout_seconds`.

        With `is_closed`, a message is refused too when a detector fails. Without `rules`, ours.
        """
        self._mode = mode
        self._detectors = detectors
        self._timeout = timeout_seconds
        self._is_closed = is_closed
        self._rules = rules or self._shared_rules()

    @staticmethod
    @cache
    def _shared_rules() -> InjectionRules:
        """Read once in a process: that takes 0.1 s."""
        return InjectionRules()

    async def refusal(self, text: str, origin: Origin, masked: str | None = None) -> str | None:
        """Why `text` is not let through; None when it is. What was decided is noted.

        Detectors are shown `masked`, where there is such a form of it: they may be a stranger's.
        """
        suspicion = await self.suspicion(text, origin, masked)
        return self.decision(suspicion, origin) if suspicion else None

    def refusal_by_rules(self, text: str, origin: Origin) -> str | None:
        """The same by the rules alone: for what detectors have seen before."""
        suspicion = self.by_rules(text)
        return self.decision(suspicion, origin) if suspicion else None

    def refusal_of_split(self, texts: Sequence[str], origin: Origin) -> str | None:
        """The same for what is told in parts: one rule is met by all `texts`, and by none alone."""
        return (
            self.refusal_by_rules(self.APART.join(texts), origin) if self.is_split(texts) else None
        )

    def is_split(self, texts: Sequence[str]) -> bool:
        """True when one rule is met by `texts` together and by none of them alone."""
        if not self.by_rules(self.APART.join(texts)):
            return False
        return self._rules.spread(texts, self.APART) is not None

    async def suspicion(
        self, text: str, origin: Origin, masked: str | None = None
    ) -> Detection | None:
        """What speaks against `text`: a rule, or else the first detector that finds something."""
        shown = text if masked is None else masked
        return self.by_rules(text) or await self.by_detectors(shown, origin)

    async def by_detectors(self, text: str, origin: Origin) -> Detection | None:
        """What the detectors alone have against `text`."""
        if self._mode == "off":
            return None
        asked = [self._ask(detector, text, origin) for detector in self._detectors]
        suspicions = [it for it in await asyncio.gather(*asked) if it]
        return min(suspicions, key=lambda it: it.by == "failure", default=None)

    def decision(self, suspicion: Detection, origin: Origin) -> str | None:
        """The reason of a refusal, noted; None where the guard only watches or may fail open."""
        if suspicion.by == "failure" and origin != "tool_result" and not self._is_closed:
            return None
        guard, decision = self.NOTED[origin]
        if self._mode == "observe":
            AuditLog.record(guard, "observed", suspicion.reason)
            return None
        AuditLog.record(guard, decision, suspicion.reason)
        return suspicion.reason

    async def aclose(self) -> None:
        """Close the detectors' connections."""
        for detector in self._detectors:
            await detector.aclose()

    def by_rules(self, text: str) -> Detection | None:
        """What the rules alone have against `text`."""
        if self._mode == "off":
            return None
        try:
            found = self._rules.found(text)
        except Exception as failure:  # noqa: BLE001 - a guard that breaks must not break the turn
            return self._failed(self.RULES, failure)
        return Detection(found, "rules") if found else None

    async def _ask(self, detector: Detector, text: str, origin: Origin) -> Detection | None:
        try:
            async with asyncio.timeout(Deadline.clamp(self._timeout)):
                found = await detector.finds(text, origin)
        except Exception as failure:  # noqa: BLE001 - a stranger's service: anything may come
            return self._failed(detector.name, failure)
        return Detection(detector.name, "detector") if found else None

    @staticmethod
    def _failed(name: str, failure: Exception) -> Detection:
        log.warning("detector_failed", detector=name, error=type(failure).__name__)
        AuditLog.record("detector", "failed", name)
        return Detection(name, "failure")
