"""The work node: one agent on one task, with its model, from a kept answer or from its data."""

from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from langgraph.config import get_config, get_stream_writer

from ..errors import (
    ApprovalNeeded,
    ClarificationNeeded,
    ModelUnavailable,
    PolicyViolation,
    SourceUnavailable,
)
from ..guards.approval import ApprovalGate
from ..guards.output import OutputPolicy
from ..limits.deadline import Deadline, DeadlineFraction
from ..models.factory import LLMFactory
from ..prompts.current_language import CurrentLanguage
from ..prompts.language import Language
from ..prompts.messages import LocalizedMessage, Messages
from ..settings import Settings
from ..storage.answer_cache import AnswerCache, CachedAnswer, CacheKey
from ..storage.thread_ref import ThreadRef
from ..telemetry.metrics import AGENT_RUNS, FAILURES
from ..telemetry.tracing import TRACES
from .agent import Agent, ToolResult
from .agent_runner import AgentRunner
from .approvals import PendingApprovals
from .degraded import Degraded
from .reply import Event
from .state import State, Task, TaskResult

log = structlog.get_logger(__name__)


class AgentNode:
    """Runs the agent that a task names. A failure becomes an outcome, never an exception.

    When its model fails: a kept answer, then its data alone, then a sentence that names what is
    missing. Each way has its share of the request's time.
    """

    def __init__(
        self,
        settings: Settings,
        factory: LLMFactory,
        agents: Sequence[Agent[Any]],
        outgoing: OutputPolicy,
    ) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._waiting = PendingApprovals(settings, outgoing)
        self._collected = partial(ApprovalGate.collect, outgoing.leaks, settings.message_max_chars)
        self._models = {
            agent.name: AgentRunner(agent, settings, factory, outgoing)
            for agent in (() if factory.is_disabled else agents)
        }
        self._kept = AnswerCache(
            settings.answer_cache_max_entries, settings.answer_cache_ttl_seconds
        )

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write the outcome, and why it is a lesser one; and one for each call that waits for a person."""
        task, language = state["task"], state["language"]
        emit = get_stream_writer()
        started = perf_counter()
        about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": task["agent"]}
        with (
            structlog.contextvars.bound_contextvars(agent=task["agent"]),
            CurrentLanguage.scope(language),
            TRACES.span(f"invoke_agent {task['agent']}", about) as span,
        ):
            emit(Event(event="agent_started", data={**task}))
            with self._collected() as proposed:
                outcome, degraded = await self._outcome(task, language)
                if outcome["status"] == "asked" and state["before"]:
                    outcome, degraded = await self._completed(task, state["before"], language)
            outcomes = [outcome] if outcome["text"] or not proposed.calls else []
            outcomes += [self._waiting.outcome(task, call, language) for call in proposed.calls]
            status = outcomes[-1]["status"]
            seconds = perf_counter() - started
            AGENT_RUNS.labels(task["agent"], status).observe(seconds)
            span.set({"app.agent.status": status})
            ms = round(seconds * 1000, 1)
            emit(
                Event(
                    event="agent_finished",
                    data={"agent": task["agent"], "status": status, "ms": ms},
                )
            )
            log.info("agent_finished", status=status, degraded=degraded, ms=ms)
        return {"outcomes": outcomes, "degraded": degraded}

    async def _completed(
        self, task: Task, before: str, language: Language
    ) -> tuple[TaskResult, list[str]]:
        """The outcome of a follow-up such as "and tomorrow?", read with the question before it."""
        whole = Task(agent=task["agent"], question=f"{before} {task['question']}")
        outcome, degraded = await self._outcome(whole, language)
        return {**outcome, "question": task["question"]}, degraded

    async def _outcome(self, task: Task, language: Language) -> tuple[TaskResult, list[str]]:
        degraded: list[str] = []
        missing = Messages.MISSING
        try:
            if task["agent"] in self._models:
                outcome, degraded = await self._from_model(task, language)
                if outcome:
                    return outcome, degraded
            async with Deadline.until(DeadlineFraction.DATA):
                agent = self._agents[task["agent"]]
                text, findings = await agent.answer_without_model(task["question"], language)
            return self._answered(task, text, findings), degraded
        except ClarificationNeeded as needed:
            return self._without_answer(task, needed.question, "asked"), degraded
        except ApprovalNeeded as needed:
            text = self._agents[task["agent"]].render_partial(needed.findings, language)
            return self._answered(task, text, needed.findings), degraded
        except (SourceUnavailable, PolicyViolation) as failure:
            log.warning("agent_without_source", reason=str(failure))
            reason = Degraded.SOURCE
        except TimeoutError:
            log.warning("agent_out_of_time")
            reason = Degraded.OUT_OF_TIME
            missing = Messages.TOO_LATE
        except Exception:
            # An agent is the user's code: its bug costs this part of the answer, not the rest.
            log.exception("agent_failed")
            reason = Degraded.AGENT
        FAILURES.labels("agents", task["agent"]).inc()
        return self._missing(task, missing, language), [*degraded, reason]

    async def _from_model(
        self, task: Task, language: Language
    ) -> tuple[TaskResult | None, list[str]]:
        """The model's answer, or a kept one; None when there is neither. And why it is lesser."""
        asked = self._asked(task, language)
        try:
            async with Deadline.until(DeadlineFraction.MODEL):
                model = self._models[task["agent"]]
                answer = await model.answer(task["question"], language)
        except (ApprovalNeeded, ClarificationNeeded, SourceUnavailable, PolicyViolation):
            raise
        except Exception as failure:
            if (proposed := ApprovalGate.current()) and proposed.calls:  # it has said what it wants
                raise ApprovalNeeded from failure
            # Providers raise far more than their own errors; whatever a model does wrong, the
            # agent can still answer from its data.
            reason = failure.reason if isinstance(failure, ModelUnavailable) else None
            log.warning("agent_without_model", error=type(failure).__name__, reason=reason)
            if reason in (Degraded.UNGROUNDED, Degraded.UNSAFE, Degraded.LANGUAGE):
                return None, [reason]
            degraded = Degraded.reasons_for("model", failure)
        else:
            outcome = self._answered(task, answer.text, answer.findings)
            if asked and not answer.degraded:
                kept = CachedAnswer(answer.text, outcome["facts"], outcome["sources"])
                self._kept.put(asked, kept)
            return outcome, [*answer.degraded]
        if asked and (found := self._kept.get(asked)):
            return self._kept_again(task, *found), [*degraded, Degraded.KEPT]
        return None, degraded

    def _asked(self, task: Task, language: Language) -> CacheKey | None:
        """What an answer is kept under, for this owner alone; None in a run that names no owner."""
        whose = get_config().get("configurable", {}).get(ThreadRef.CONFIG)
        if whose is None:
            return None
        version = self._agents[task["agent"]].prompt.version
        return CacheKey(whose.owner, language, task["agent"], version, task["question"])

    @staticmethod
    def _answered(task: Task, text: str, findings: Sequence[ToolResult]) -> TaskResult:
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[dict(finding.facts) for finding in findings],
            sources=[source for finding in findings for source in finding.sources],
            status="answered",
        )

    @staticmethod
    def _kept_again(task: Task, answer: CachedAnswer, age_seconds: float) -> TaskResult:
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=answer.text,
            facts=list(answer.facts),
            sources=list(answer.sources),
            status="answered",
            age_seconds=age_seconds,
        )

    @classmethod
    def _missing(cls, task: Task, phrase: LocalizedMessage, language: Language) -> TaskResult:
        text = phrase.format(language, question=task["question"])
        return cls._without_answer(task, text, "missing")

    @staticmethod
    def _without_answer(task: Task, text: str, status: Any) -> TaskResult:
        return TaskResult(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[],
            sources=[],
            status=status,
        )
