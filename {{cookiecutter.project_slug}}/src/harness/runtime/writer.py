"""The write node, skipped when one agent answers, and the audit node, which checks every answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from ..errors import ModelUnavailable
from ..guards.grounding_judge import GroundingJudge
from ..guards.output import OutputGuard, OutputPolicy
from ..limits.deadline import Deadline, DeadlineFraction
from ..models.answer_form import AnswerForm
from ..models.factory import LLMFactory
from ..prompts.messages import Messages
from ..prompts.shared import WRITER
from ..run_context import RunContext
from ..telemetry.audit_log import AuditLog
from .agent_runner import AgentRunner
from .answer_stream import AnswerStream
from .coverage import Coverage
from .replies import Degraded
from .state import State, TaskResult, TaskResults, Turn
from .threads import History

log = structlog.get_logger(__name__)


class WriterScript:
    """The embedded model as writer: the agents' answers, one paragraph each."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The paragraphs after the question, whatever is asked to be put right."""
        return AIMessage(TaskResults.SEPARATOR.join(str(it.content) for it in messages[2:] if it.name))


class Writer:
    """Writes the draft; an empty one when it cannot, then the agents' answers are the answer."""

    def __init__(self, factory: LLMFactory, outgoing: OutputPolicy) -> None:
        self._outgoing = outgoing
        self._model: BaseChatModel | None = None
        if not factory.is_disabled:
            self._model = factory.for_role("writer", WriterScript())

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write `draft`, and why it is degraded."""
        results = TaskResults(state)
        # A model could say of what waits for a person that it is done.
        if self._model is None or results.has_pending_call:
            return {"draft": ""}
        guard = results.guard(state, self._outgoing)
        if stream := RunContext.current().stream:
            stream.guard = lambda: guard
        try:
            async with Deadline.until(DeadlineFraction.WRITE):
                messages = self._messages(state, results.all)
                draft, degraded = await self._ask_model(self._model, messages)
                refusal = guard.violation(guard.masked(draft, is_counted=False))
                if refusal in OutputGuard.MENDABLE and not (stream and stream.has_sent):
                    correction = AgentRunner.correction(refusal, guard.unsupported(draft), state["language"])
                    draft, degraded = await self._ask_model(self._model, [*messages, AIMessage(draft), correction])
                    if guard.violation(guard.masked(draft, is_counted=False)) is None:
                        guard.corrected(refusal, "writer")
                if (judge := self._outgoing.judge) and not await self._is_supported(judge, draft, state, results):
                    return {"draft": "", "degraded": [Degraded.UNGROUNDED]}
        except Exception as failure:  # noqa: BLE001 - see below
            # Providers raise far more than their own errors; the agents' answers are there.
            log.warning("write_failed", reason=type(failure).__name__)
            degraded = Degraded.reasons_for("writer", failure)
            if stream:
                stream.withdraw(degraded[0])
            return {"draft": "", "degraded": degraded}
        return {"draft": draft, "degraded": degraded}

    @staticmethod
    async def _is_supported(judge: GroundingJudge, draft: str, state: State, results: TaskResults) -> bool:
        found = [it["text"] for it in results.all]
        return await judge.supports(draft, state["question"], found, state["language"])

    @staticmethod
    def _messages(state: State, results: Sequence[TaskResult]) -> list[BaseMessage]:
        return [
            SystemMessage(WRITER.render(state["language"])),
            HumanMessage(state["question"]),
            *(HumanMessage(result["text"], name=result["agent"]) for result in results),
        ]

    @staticmethod
    async def _ask_model(model: BaseChatModel, messages: Sequence[BaseMessage]) -> tuple[str, list[str]]:
        """The model's words, and why they are degraded."""
        # In pieces also where nobody reads along: what a model tells beside its words stays where it is.
        pieces = [piece async for piece in model.astream([*messages], {"metadata": WRITER.metadata})]
        answer = AnswerForm(may_be_silent=True).joined(pieces)
        if not answer.text.strip():
            raise ModelUnavailable("writer", "said nothing")
        return answer.text.strip(), [*Degraded.cut(answer)]


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
        if draft and (refusal := guard.violation(draft)):
            log.warning("draft_refused", reason=refusal)
            degraded = [Degraded.refused(guard.block(refusal))]
        elif draft and not Coverage.is_complete(draft, results.all):
            log.warning("draft_refused", reason=Degraded.INCOMPLETE)
            AuditLog.record("grounding", "withheld", "draft")
            degraded = [Degraded.INCOMPLETE]
        because = degraded[0] if degraded else AnswerStream.REVISED
        if not draft or degraded:
            draft, reasons = self._agents_answers(state, results, guard)
            degraded += reasons
        if stream := RunContext.current().stream:
            stream.finish(draft, because)
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
