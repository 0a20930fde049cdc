"""The admit node: the message becomes a question or is refused, and the turn starts empty."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from langgraph.config import get_stream_writer
from langgraph.types import Overwrite

from ..guardrails.inbound import InboundGuard
from ..guardrails.injection_guard import InjectionGuard
from ..prompts.language import Language, LanguageDetector
from .reply import Event
from .state import Exchange, Plan, State

log = structlog.get_logger(__name__)


class Admission:
    """Lets a message in through the guards, before anything else reads it."""

    def __init__(
        self,
        guard: InboundGuard,
        detector: LanguageDetector,
        injection: InjectionGuard,
        warning: Callable[[Language], str],
    ) -> None:
        """Ask both guards; `warning` is the answer to what `injection` refuses."""
        self._guard = guard
        self._detector = detector
        self._injection = injection
        self._warning = warning

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `question` and `language`; forget what the turn before left.

        A refused message leaves no trace: the plan is written instead, and it declines. What the
        thread remembers is looked through again, by the rules of today.

        Raises:
            InputRefused: The message is empty or too long.
        """
        message = state["message"]
        question = self._guard.admit(message)
        history = state.get("history", [])
        trusted = [it for it in history if not self._is_poisoned(it)]
        language = self._detector.detect(question, history[-1]["language"] if history else None)
        changes: dict[str, Any] = {"draft": "", "outcomes": Overwrite([]), "language": language}
        if len(trusted) < len(history):
            changes["history"] = trusted
        if await self._refusal(message, trusted):
            return {**changes, **self._declined(language)}
        return {**changes, "question": question}

    async def _refusal(self, message: str, history: Sequence[Exchange]) -> str | None:
        """Why the message is refused: as it was received, for hidden signs tell something too."""
        if refusal := await self._injection.refusal(message, "message"):
            return refusal
        if not history:
            return None
        return self._injection.refusal_of_split([history[-1]["question"], message], "message")

    def _is_poisoned(self, exchange: Exchange) -> bool:
        # Line by line: an answer may hold a headline that quotes an attack.
        texts = (exchange["question"], *exchange["answer"].splitlines())
        return any(self._injection.refusal_by_rules(text, "memory") for text in texts)

    def _declined(self, language: Language) -> Mapping[str, Any]:
        plan = Plan(verdict="decline", tasks=[], text=self._warning(language))
        get_stream_writer()(Event(event="plan", data={"verdict": "decline", "tasks": []}))
        log.warning("message_refused")
        return {"plan": plan, "degraded": Overwrite([]), "message": "", "question": ""}
