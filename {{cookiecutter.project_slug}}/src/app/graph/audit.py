"""The audit node: what leaves is grounded, and the thread remembers it."""

from collections.abc import Mapping
from typing import Any

import structlog
from langgraph.config import get_stream_writer

from .reply import Event
from .state import Exchange, State
from .write import Answers

log = structlog.get_logger(__name__)


class Auditor:
    """Holds the draft against this turn's facts; an ungrounded one never leaves."""

    def __init__(self, history_turns: int) -> None:
        self._history_turns = history_turns

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `answer` and the new `history`, and why the answer is a lesser one."""
        outcomes = Answers.in_order(state)
        own_words = Answers.joined(outcomes) or state["plan"]["text"]
        draft = state.get("draft") or own_words
        degraded = []
        if outcomes and (invented := Answers.grounding(state).unsupported(draft)):
            log.warning("draft_refused", reason="ungrounded", figures=len(invented))
            draft = own_words
            degraded = ["ungrounded"]
        if not state.get("draft"):  # the writer streams its own
            get_stream_writer()(Event(event="token", data={"text": draft}))
        exchange = Exchange(
            question=state["question"],
            language=state["language"],
            answer=draft,
            agents=[outcome["agent"] for outcome in outcomes],
            asked=any(outcome["status"] == "asked" for outcome in outcomes),
        )
        history = [*state.get("history", []), exchange]
        kept = history[-self._history_turns :] if self._history_turns else []
        return {"answer": draft, "degraded": degraded, "history": kept}
