"""The guard against prompt injection: rules, and detectors that the settings add."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, Protocol

import structlog

from ..limits.deadline import Deadline
from ..prompts.messages import Messages
from ..run_context import RunContext
from ..telemetry.audit_log import AuditLog, Decision
from ..telemetry.redaction import Redactor
from .injection_rules import InjectionRules

log = structlog.get_logger(__name__)

Origin = Literal["message", "memory", "tool_result"]
"""Where a text comes from: a caller, the thread's history, or what a tool brought back."""

Mode = Literal["enforce", "observe", "off"]


class Detector(Protocol):
    """Recognises injections. It is asked beside the rules and never instead of them."""

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
    """Why a text may be refused."""

    reason: str
    """The name of a rule or of a detector."""

    by: Literal["rules", "detector", "failure"]
    """`failure`: nobody objected, but the one that is named could not say."""


class InjectionGuard:
    """Decides whether a text is read by models, and says so in the audit trail.

    A detector that fails or takes too long counts against a tool's result, always; against a
    message as configured. It is counted either way.
    """

    NOTED: Final[Mapping[Origin, tuple[str, Decision]]] = {
        "message": ("injection", "refused"),
        "memory": ("memory", "withheld"),
        "tool_result": ("tool_result", "withheld"),
    }
    """Origin -> the guard's name in the trail, and what it decides."""

    RULES: Final = "rules"

    SEPARATOR: Final = "\n"
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
        shown = text if masked is None else masked
        detection = self.by_rules(text) or await self.by_detectors(shown, origin)
        return self.decide(detection, origin) if detection else None

    def refusal_by_rules(self, text: str, origin: Origin) -> str | None:
        """The same by the rules alone: for what detectors have seen before."""
        detection = self.by_rules(text)
        return self.decide(detection, origin) if detection else None

    def check_split(self, texts: Sequence[str], origin: Origin) -> str | None:
        """The same for an attack in parts: one rule is met by all `texts`, and by none alone."""
        text = self.SEPARATOR.join(texts)
        return self.refusal_by_rules(text, origin) if self.is_split(texts) else None

    def is_split(self, texts: Sequence[str]) -> bool:
        """True when one rule is met by `texts` together and by none of them alone."""
        if not self.by_rules(self.SEPARATOR.join(texts)):
            return False
        return self._rules.match_split(texts, self.SEPARATOR) is not None

    async def by_detectors(self, text: str, origin: Origin) -> Detection | None:
        """What the detectors alone have against `text`."""
        if self._mode == "off":
            return None
        calls = [self._ask(detector, text, origin) for detector in self._detectors]
        detections = [it for it in await asyncio.gather(*calls) if it]
        return min(detections, key=lambda it: it.by == "failure", default=None)

    def decide(self, detection: Detection, origin: Origin) -> str | None:
        """The reason of a refusal, noted; None where the guard only watches or may fail open."""
        if detection.by == "failure" and origin != "tool_result" and not self._is_closed:
            return None
        guard, decision = self.NOTED[origin]
        if self._mode == "observe":
            AuditLog.record(guard, "observed", detection.reason)
            return None
        AuditLog.record(guard, decision, detection.reason)
        return detection.reason

    async def aclose(self) -> None:
        """Close the detectors' connections."""
        for detector in self._detectors:
            await detector.aclose()

    def by_rules(self, text: str) -> Detection | None:
        """What the rules alone have against `text`."""
        if self._mode == "off":
            return None
        try:
            rule = self._rules.match(text)
        except Exception as failure:  # noqa: BLE001 - a guard that breaks must not break the turn
            return self._failed(self.RULES, failure)
        return Detection(rule, "rules") if rule else None

    async def _ask(self, detector: Detector, text: str, origin: Origin) -> Detection | None:
        try:
            async with asyncio.timeout(Deadline.clamp(self._timeout)):
                is_attack = await detector.finds(text, origin)
        except Exception as failure:  # noqa: BLE001 - a stranger's service: anything may come
            return self._failed(detector.name, failure)
        return Detection(detector.name, "detector") if is_attack else None

    @staticmethod
    def _failed(name: str, failure: Exception) -> Detection:
        log.warning("detector_failed", detector=name, error=type(failure).__name__)
        AuditLog.record("detector", "failed", name)
        return Detection(name, "failure")


class ToolResults:
    """Looks through the result of a tool before a model, or the agent's own rules, read it."""

    FEW: Final = 16
    """Texts that detectors are asked about one by one; a guess. Of more, all are withheld."""

    LONG_CHARS: Final = 20_000
    """Of a result that a thread of its own reads: the rules take 0.5 ms for 1,000, and a source may send 2 MB."""

    PLAIN: Final = re.compile(r"[0-9A-Za-z\u00c0-\u024f_.:+-]{0,20}")
    """A name, a date, a code: it tells nobody anything, and goes through where none is to blame alone."""

    def __init__(self, guard: InjectionGuard) -> None:
        self._guard = guard

    async def sanitize(self, result: Any) -> Any:
        """`result` itself when nothing in it is suspicious, else a copy with notices in it."""
        texts = list(dict.fromkeys(self._texts(result)))
        is_long = sum(map(len, texts)) > self.LONG_CHARS
        detection, attacks = await asyncio.to_thread(self._read, texts) if is_long else self._read(texts)
        rest = [text for text in texts if text not in attacks]
        if more := await self._guard.by_detectors(self._joined(rest), "tool_result"):
            detection = detection if attacks else more
            attacks |= await self._by_detectors(rest, more)
        if not attacks or not detection or self._guard.decide(detection, "tool_result") is None:
            return result
        notice = Messages.WITHHELD.format(RunContext.current().language)
        return Redactor.map_texts(result, lambda text: notice if text in attacks else text)

    def _read(self, texts: Sequence[str]) -> tuple[Detection | None, set[str]]:
        """What the rules have against `texts` together, and which of them may not pass."""
        detection = self._guard.by_rules(self._joined(texts))
        return detection, self._by_rules(texts, detection) if detection else set()

    def _joined(self, texts: Sequence[str]) -> str:
        return self._guard.SEPARATOR.join(texts)

    def _by_rules(self, texts: Sequence[str], whole: Detection) -> set[str]:
        """Those that may not pass; where only all together say it, those that can tell something.

        None, where the weights of many harmless texts add up to what one would be refused for.
        """
        if whole.by == "failure":
            return {*self._telling(texts)}
        if attacks := {text for text in texts if self._guard.by_rules(text)}:
            return attacks
        if not self._guard.is_split(texts):
            return set()
        telling = self._telling(texts)
        plain = [text for text in texts if text not in telling]
        return set(texts) if self._guard.is_split(plain) else {*telling}

    async def _by_detectors(self, texts: Sequence[str], whole: Detection) -> Set[str]:
        """Those that may not pass; all that can tell something, where none of them is to blame alone."""
        telling = self._telling(texts)
        if whole.by == "failure" or len(telling) > self.FEW:
            return {*telling}
        each = await asyncio.gather(*(self._guard.by_detectors(it, "tool_result") for it in telling))
        return {text for text, it in zip(telling, each, strict=True) if it} or {*telling}

    def _telling(self, texts: Sequence[str]) -> Sequence[str]:
        return [text for text in texts if not self.PLAIN.fullmatch(text)]

    @classmethod
    def _texts(cls, value: Any) -> Iterator[str]:
        """Every text in a JSON value, names of fields too: they may be a stranger's."""
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield str(name)
                yield from cls._texts(inner)
        elif isinstance(value, list | tuple | set | frozenset):
            for inner in value:
                yield from cls._texts(inner)
