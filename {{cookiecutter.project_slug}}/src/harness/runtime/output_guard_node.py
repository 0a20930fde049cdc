"""The audit node: what leaves is grounded, and the thread remembers it."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from langgraph.config import get_stream_writer

from ..guards.output import OutputGuard, OutputPolicy
from ..prompts.messages import Messages
from .degraded import Degraded
from .history import History
from .reply import Event
from .state import State, TaskResult, Turn
from .writer import Answers

log = structlog.get_logger(__name__)


class OutputGuardNode:
    """Holds what leaves against this turn's facts and against what may never leave."""

    def __init__(self, history: History, outgoing: OutputPolicy) -> None:
        self._history = history
        self._outgoing = outgoing

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write `answer` and the new `history`, and why the answer is a lesser one."""
        outcomes = Answers.in_order(state)
        guard = Answers.guard(state, self._outgoing)
        draft, degraded = guard.masked(state.get("draft") or ""), list[str]()
        emit = get_stream_writer()
        if draft and (refusal := guard.violation(draft)):
            log.warning("draft_refused", reason=refusal)
            degraded = [Degraded.refused(guard.block(refusal))]
            emit(Event(event="withdrawn", data={"because": degraded[0]}))
        if not draft or degraded:
            is_streamed = bool(draft)  # the writer's sentences, one by one
            draft, lesser = self._own_words(state, outcomes, guard)
            degraded += lesser
            if not is_streamed:
                emit(Event(event="token", data={"text": draft}))
        if not state["question"]:  # a message that was refused is not remembered
            return {"answer": draft, "degraded": degraded}
        exchange = Turn(
            question=state["question"],
            language=state["language"],
            answer=draft,
            agents=list(dict.fromkeys(outcome["agent"] for outcome in outcomes)),
            asked=any(outcome["status"] == "asked" for outcome in outcomes),
        )
        history = self._history.trimmed([*state.get("history", []), exchange])
        return {"answer": draft, "degraded": degraded, "history": history}

    @staticmethod
    def _own_words(
        state: State, outcomes: Sequence[TaskResult], guard: OutputGuard
    ) -> tuple[str, list[str]]:
        """The agents' answers, harmless; why they are lesser, if they are. Else the planner's words.

        A model's part in them was held back before; what a data source says may hold markup.
        """
        if not outcomes:
            return state["plan"]["text"], []
        text = Answers.joined(outcomes)
        refusal = guard.violation(text, is_ours=True)
        if refusal == "active":
            text = guard.harmless(text)
            refusal = guard.violation(text, is_ours=True)
        if refusal is None:
            return text, []
        if refusal == OutputGuard.UNGROUNDED:  # no model's
            return text, [Degraded.UNGROUNDED]
        log.warning("answer_refused", reason=guard.block(refusal))
        return Messages.UNAVAILABLE.format(state["language"]), [Degraded.UNSAFE]
