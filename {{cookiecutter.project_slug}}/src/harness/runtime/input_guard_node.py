"""The admit node: checks the message, and empties what the run before left in the state."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from ..guards.injection_guard import InjectionGuard
from ..guards.input import InputGuard
from ..guards.personal_data import PiiRules
from ..prompts.language import Language, LanguageDetector
from ..run_context import RunContext
from ..telemetry.audit_log import AuditLog
from .replies import Event
from .state import Plan, State, Turn

log = structlog.get_logger(__name__)


class InputGuardNode:
    """Lets a message in through the guards, before anything else reads it."""

    def __init__(
        self,
        inbound: InputGuard,
        injection: InjectionGuard,
        personal: PiiRules,
        detector: LanguageDetector,
        warning: Callable[[Language], str],
    ) -> None:
        """`warning` is the answer to what reads like instructions."""
        self._inbound = inbound
        self._injection = injection
        self._personal = personal
        self._detector = detector
        self._warning = warning

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `question` and `language`; drop what the run before left, and what waits for approval.

        A refused message leaves no trace: the plan is written instead, and it declines. The
        thread's history is checked again, by the rules of today.

        Raises:
            InputRefused: The message is empty or too long, or holds personal data that is refused.
        """
        message = state["message"]
        question, masked = self._personal.mask_input(self._inbound.clean(message))
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
            runtime.stream_writer(Event(event="plan", data={"verdict": "decline", "tasks": []}))
            log.warning("message_refused")
            plan = Plan(verdict="decline", tasks=[], text=self._warning(language))
            refused = {"question": "", "masked": [], "plan": plan, "degraded": Overwrite([])}
            return {**changes, **refused}
        return {**changes, "question": question, "masked": masked}

    @staticmethod
    def _withdrawn(state: State) -> list[str]:
        """The calls that waited for approval, as answers name them: this message takes them back."""
        waiting = [it["call"] for it in state.get("outcomes", []) if "call" in it]
        for call in waiting:
            AuditLog.record("approval", "withdrawn", f"{call['agent']}.{call['tool']}")
        return [call["shown"] for call in waiting]

    async def _refusal(self, message: str, question: str, history: Sequence[Turn]) -> str | None:
        """Why it is refused: as it was received, for hidden signs tell something too."""
        if refusal := await self._injection.refusal(message, "message", masked=question):
            return refusal
        if not history:
            return None
        return self._injection.check_split([history[-1]["question"], message], "message")

    def _is_poisoned(self, turn: Turn) -> bool:
        # Line by line: an answer may hold a headline that quotes an attack.
        texts = (turn["question"], *turn["answer"].splitlines())
        return any(self._injection.refusal_by_rules(text, "memory") for text in texts)
