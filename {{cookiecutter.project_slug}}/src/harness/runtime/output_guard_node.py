"""The audit node: checks the answer, and adds it to the thread's history."""

from collections.abc import Mapping
from typing import Any

import structlog
from langgraph.runtime import Runtime

from ..guards.output import OutputGuard, OutputPolicy
from ..prompts.messages import Messages
from ..run_context import RunContext
from .replies import Degraded, Event
from .results import TaskResults
from .state import State, Turn
from .threads import History

log = structlog.get_logger(__name__)


class OutputGuardNode:
    """Checks the answer against this run's facts and against what may never leave."""

    def __init__(self, history: History, outgoing: OutputPolicy) -> None:
        self._history = history
        self._outgoing = outgoing

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `answer` and the new `history`, and why the answer is degraded."""
        results = TaskResults(state)
        guard = results.guard(state, self._outgoing)
        draft, degraded = guard.masked(state.get("draft") or ""), list[str]()
        emit = runtime.stream_writer
        if draft and (refusal := guard.violation(draft)):
            log.warning("draft_refused", reason=refusal)
            degraded = [Degraded.refused(guard.block(refusal))]
            emit(Event(event="withdrawn", data={"because": degraded[0]}))
        if not draft or degraded:
            is_streamed = bool(draft)  # the writer's sentences, one by one
            draft, reasons = self._agents_answers(state, results, guard)
            degraded += reasons
            if not is_streamed:
                emit(Event(event="token", data={"text": draft}))
        if not state["question"]:  # a message that was refused is not remembered
            return {"answer": draft, "degraded": degraded}
        exchange = Turn(
            question=state["question"],
            language=state["language"],
            answer=draft,
            agents=list(dict.fromkeys(result["agent"] for result in results.all)),
            asked=any(result["status"] == "asked" for result in results.all),
        )
        history = self._history.trimmed([*state.get("history", []), exchange])
        return {"answer": draft, "degraded": degraded, "history": history}

    @staticmethod
    def _agents_answers(state: State, results: TaskResults, guard: OutputGuard) -> tuple[str, list[str]]:
        """The agents' answers, harmless, and why they are degraded; without agents, the plan's text.

        A model's part in them was checked before; what a data source says may hold markup.
        """
        if not results.all:
            return state["plan"]["text"], []
        text = results.text
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
