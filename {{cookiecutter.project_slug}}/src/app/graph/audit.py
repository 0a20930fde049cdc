"""The audit node: what leaves is grounded, and the thread remembers it."""

from collections.abc import Mapping
from typing import Any

import structlog
from langgraph.config import get_stream_writer

from .degraded import Degraded
from .history import History
from .reply import Event
from .state import Exchange, State
from .write import Answers

log = structlog.get_logger(__name__)


class Auditor:
    """Holds the draft against this turn's facts; an ungrounded one never leaves."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `answer` and the new `history`, and why the answer is a lesser one."""
        outcomes = Answers.in_order(state)
        own_words = Answers.joined(outcomes) or state["plan"]["text"]
        draft = state.get("draft") or own_words
        degraded = []
        emit = get_stream_writer()
        if not state.get("draft"):  # the writer streams its own
            emit(Event(event="token", data={"text": own_words}))
        if outcomes and (invented := Answers.grounding(state).unsupported(draft)):
            log.warning("draft_refused", reason="ungrounded", figures=len(invented))
            draft = own_words
            degraded = [Degraded.UNGROUNDED]
            if state.get("draft"):
                emit(Event(event="withdrawn", data={"because": Degraded.UNGROUNDED}))
        exchange = Exchange(
            question=state["question"],
            language=state["language"],
            answer=draft,
            agents=[outcome["agent"] for outcome in outcomes],
            asked=any(outcome["status"] == "asked" for outcome in outcomes),
        )
        history = self._history.kept([*state.get("history", []), exchange])
        return {"answer": draft, "degraded": degraded, "history": history}
