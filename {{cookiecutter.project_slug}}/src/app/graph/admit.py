"""The admit node: the message becomes a question, and the turn starts empty."""

from collections.abc import Mapping
from typing import Any

from langgraph.types import Overwrite

from ..guardrails.inbound import InboundGuard
from ..guardrails.personal_policy import PersonalPolicy
from ..observability.trail import Trail
from ..prompts.language import LanguageDetector
from .state import State


class Admission:
    """Lets a message in through the inbound guard."""

    def __init__(
        self, guard: InboundGuard, detector: LanguageDetector, personal: PersonalPolicy
    ) -> None:
        self._guard = guard
        self._detector = detector
        self._personal = personal

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `question` and `language`; forget what the turn before left, and what waits for approval.

        Raises:
            InputRefused: The message is empty or too long, or holds personal data that is refused.
        """
        question, masked = self._personal.admit(self._guard.admit(state["message"]))
        history = state.get("history")
        spoken = history[-1]["language"] if history else None
        waiting = [it["call"] for it in state.get("outcomes", []) if "call" in it]
        for call in waiting:
            Trail.note("approval", "withdrawn", f"{call['agent']}.{call['tool']}")
        return {
            "message": question,
            "question": question,
            "masked": masked,
            "language": self._detector.detect(question, spoken),
            "draft": "",
            "outcomes": Overwrite([]),
            "withdrawn": [call["shown"] for call in waiting],
        }
