"""The admit node: the message becomes a question or is refused, and the turn starts empty."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from langgraph.config import get_stream_writer
from langgraph.types import Overwrite

from ..guards.injection_guard import InjectionGuard
from ..guards.input import InputGuard
from ..guards.personal_data import PiiRules
from ..prompts.language import Language, LanguageDetector
from ..telemetry.audit_log import AuditLog
from .reply import Event
from .state import Plan, State, Turn

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InputGuards:
    """What every message passes, in this order."""

    inbound: InputGuard
    injection: InjectionGuard
    personal: PiiRules


class InputGuardNode:
    """Lets a message in through the guards, before anything else reads it."""

    def __init__(
        self,
        guards: InputGuards,
        detector: LanguageDetector,
        warning: Callable[[Language], str],
    ) -> None:
        """Ask all `guards`; `warning` is the answer to what reads like instructions."""
        self._guards = guards
        self._detector = detector
        self._warning = warning

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `question` and `language`; forget what the turn before left, and what waits for approval.

        A refused message leaves no trace: the plan is written instead, and it declines. What the
        thread remembers is looked through again, by the rules of today.

        Raises:
            InputRefused: The message is empty or too long, or holds personal data that is refused.
        """
        message = state["message"]
        question, masked = self._guards.personal.mask_input(self._guards.inbound.clean(message))
        history = state.get("history", [])
        trusted = [it for it in history if not self._is_poisoned(it)]
        language = self._detector.detect(question, history[-1]["language"] if history else None)
        changes: dict[str, Any] = {
            "draft": "",
            "outcomes": Overwrite([]),
            "language": language,
            "withdrawn": self._withdrawn(state),
        }
        if len(trusted) < len(history):
            changes["history"] = trusted
        if await self._refusal(message, question, trusted):
            return {**changes, **self._declined(language)}
        return {**changes, "question": question, "masked": masked}

    @staticmethod
    def _withdrawn(state: State) -> list[str]:
        """The calls that waited for a person, as answers name them: this message takes them back."""
        waiting = [it["call"] for it in state.get("outcomes", []) if "call" in it]
        for call in waiting:
            AuditLog.record("approval", "withdrawn", f"{call['agent']}.{call['tool']}")
        return [call["shown"] for call in waiting]

    async def _refusal(self, message: str, question: str, history: Sequence[Turn]) -> str | None:
        """Why it is refused: as it was received, for hidden signs tell something too."""
        injection = self._guards.injection
        if refusal := await injection.refusal(message, "message", masked=question):
            return refusal
        if not history:
            return None
        return injection.check_split([history[-1]["question"], message], "message")

    def _is_poisoned(self, exchange: Turn) -> bool:
        # Line by line: an answer may hold a headline that quotes an attack.
        texts = (exchange["question"], *exchange["answer"].splitlines())
        return any(self._guards.injection.refusal_by_rules(text, "memory") for text in texts)

    def _declined(self, language: Language) -> Mapping[str, Any]:
        plan = Plan(verdict="decline", tasks=[], text=self._warning(language))
        get_stream_writer()(Event(event="plan", data={"verdict": "decline", "tasks": []}))
        log.warning("message_refused")
        return {"question": "", "masked": [], "plan": plan, "degraded": Overwrite([])}
