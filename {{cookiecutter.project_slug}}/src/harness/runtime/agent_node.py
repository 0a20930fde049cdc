"""The work node: one agent on one task, with its model, from a cached answer or from its data."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter, time
from typing import Any, ClassVar

import structlog
from langgraph.errors import GraphRecursionError
from langgraph.runtime import Runtime

from ..errors import (
    ApprovalNeeded,
    BudgetExceeded,
    ClarificationNeeded,
    ModelUnavailable,
    PolicyViolation,
    SourceUnavailable,
)
from ..guards.output import OutputPolicy
from ..guards.tool_policy import ApprovalGate
from ..limits.deadline import Deadline, DeadlineFraction
from ..models.factory import LLMFactory
from ..prompts.language import Language
from ..prompts.messages import LocalizedMessage, Messages
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.metrics import AGENT_RUNS, FAILURES
from ..telemetry.tracing import TRACES
from .agent import Agent
from .agent_runner import AgentRunner
from .approvals import PendingApprovals
from .graph_agent import GraphAgent
from .graph_worker import GraphWorker
from .replies import Degraded, Event
from .state import State, Task, TaskResult, TaskResults, Turn

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The question of an answer. Two questions share an answer when all of this is equal."""

    scope: str
    """Whose answers these are; no caller is ever given one of another scope."""

    language: str
    agent: str
    prompt_version: str
    """Of the agent's prompt: another prompt, another answer."""

    question: str

    OUTER_MARKS: ClassVar = " ¿?¡!.,;:"

    def __post_init__(self) -> None:
        """Let case, white space and outer punctuation make no difference."""
        plain = " ".join(self.question.casefold().split()).strip(self.OUTER_MARKS)
        object.__setattr__(self, "question", plain)


class AnswerCache:
    """The last complete and grounded results of models, in memory: as many as `max_entries`, each for `ttl_seconds`."""

    def __init__(self, max_entries: int, ttl_seconds: float, clock: Callable[[], float] = time) -> None:
        """Measure age by `clock`, in seconds. With a `ttl_seconds` of 0 nothing is ever found."""
        self._max_entries = max_entries
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._answers: OrderedDict[CacheKey, tuple[float, TaskResult]] = OrderedDict()

    def put(self, key: CacheKey, answer: TaskResult) -> None:
        """Cache `answer` in place of the one before; the least recently used leaves when it is full."""
        self._answers[key] = self._clock(), answer
        self._answers.move_to_end(key)
        if len(self._answers) > self._max_entries:
            self._answers.popitem(last=False)

    def get(self, key: CacheKey) -> tuple[TaskResult, float] | None:
        """The answer and its age in seconds; None where there is none young enough."""
        if key not in self._answers:
            return None
        cached_at, answer = self._answers[key]
        age = self._clock() - cached_at
        if age >= self._ttl_seconds:
            del self._answers[key]
            return None
        self._answers.move_to_end(key)
        return answer, age


class AgentNode:
    """Runs the agent that a task names. A failure becomes a result, never an exception.

    When its model fails: a cached answer, then its data alone, then a sentence that names what is
    missing. Each way has its fraction of the request's time.
    """

    def __init__(
        self, settings: Settings, factory: LLMFactory, agents: Sequence[Agent[Any]], outgoing: OutputPolicy
    ) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._pending = PendingApprovals(settings, outgoing)
        self.graphs = {it.name: GraphWorker(it, settings, outgoing) for it in agents if isinstance(it, GraphAgent)}
        self._gate = partial(ApprovalGate, outgoing.leaks, settings.message_max_chars)
        self._runners = {
            agent.name: AgentRunner(agent, settings, factory, outgoing)
            for agent in (() if factory.is_disabled else agents)
            if agent.name not in self.graphs
        }
        self._is_disabled = factory.is_disabled
        self._cache = AnswerCache(settings.answer_cache_max_entries, settings.answer_cache_ttl_seconds)

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write the result, one more for each call that waits for a person, and why they are degraded."""
        task, language, emit = state["task"], state["language"], runtime.stream_writer
        name = task["agent"]
        started = perf_counter()
        about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
        gate = self._gate()
        is_alone = "plan" in state and len(state["plan"]["tasks"]) == 1
        noted: list[str] = []
        stream = RunContext.current().stream if is_alone else None  # else a writer's words are the answer
        with (
            structlog.contextvars.bound_contextvars(agent=name),
            RunContext.scope(language=language, gate=gate, evidence=[], stream=stream, degraded=noted),
            TRACES.span(f"invoke_agent {name}", about) as span,
        ):
            emit(Event(event="agent_started", data={**task}))
            if name in self.graphs:
                is_its_part = not is_alone and task["question"] in state["question"]
                message = task["question"] if is_its_part else state["question"]
                results, degraded = await self._from_graph(task, message, language, state.get("history", []))
            else:
                results, degraded = await self._from_agent(state, gate)
            degraded += [it for it in dict.fromkeys(noted) if it not in degraded]
            status = results[-1]["status"]
            seconds = perf_counter() - started
            ms = round(seconds * 1000, 1)
            AGENT_RUNS.labels(name, status).observe(seconds)
            span.set({"app.agent.status": status})
            data = {"agent": name, "status": status, "ms": ms}
            emit(Event(event="agent_finished", data=data))
            log.info("agent_finished", status=status, degraded=degraded, ms=ms)
        return {"outcomes": results, "degraded": degraded}

    async def _from_agent(self, state: State, gate: ApprovalGate) -> tuple[list[TaskResult], list[str]]:
        """The results of an agent, and why they are degraded."""
        task, language, before, history = state["task"], state["language"], state["before"], state.get("history", [])
        result, degraded = await self._result(task, language, history)
        if result["status"] == "asked" and before:
            # A follow-up such as "and tomorrow?", read with the question before it.
            whole = Task(agent=task["agent"], question=f"{before} {task['question']}")
            result, degraded = await self._result(whole, language, ())
            result = {**result, "question": task["question"]}
        results = [result] if result["text"] or not gate.calls else []
        return [*results, *(self._pending.result(task, call, language) for call in gate.calls)], degraded

    async def _from_graph(
        self, task: Task, message: str, language: Language, history: Sequence[Turn]
    ) -> tuple[list[TaskResult], list[str]]:
        """The results of a graph, and why they are degraded: it is the user's code, and may fail in every way."""
        said, degraded = Messages.UNAVAILABLE, [Degraded.DISABLED]
        try:
            if not self._is_disabled:
                async with Deadline.until(DeadlineFraction.MODEL):
                    return await self.graphs[task["agent"]].answer(task, message, language, history), []
        except ClarificationNeeded as needed:
            return [TaskResults.unanswered(task, needed.question, "asked")], []
        except Exception as failure:  # noqa: BLE001 - each has its reason
            said, degraded = self._failure_of_graph(failure)
        try:
            async with Deadline.until(DeadlineFraction.DATA):
                agent = self._agents[task["agent"]]
                text, findings = await agent.answer_without_model(task["question"], language)
                return [TaskResults.answered(task, text, findings)], degraded
        except ClarificationNeeded as needed:
            return [TaskResults.unanswered(task, needed.question, "asked")], degraded
        except Exception as failure:  # noqa: BLE001 - there is nothing else to fall back to
            log.info("no_data_alone", error=type(failure).__name__)
        FAILURES.labels("agents", task["agent"]).inc()
        return [TaskResults.missing(task, said, language)], degraded

    @staticmethod
    def _failure_of_graph(failure: Exception) -> tuple[LocalizedMessage, list[str]]:
        """What an answer says of a graph that failed, and why it is degraded."""
        match failure:
            case ModelUnavailable():
                log.warning("agent_without_model", error=type(failure).__name__, reason=failure.reason)
                return Messages.UNAVAILABLE, Degraded.reasons_of_graph(failure)
            case BudgetExceeded() | GraphRecursionError():
                log.warning("agent_over_budget", error=type(failure).__name__)
                return Messages.UNAVAILABLE, [Degraded.OVER_BUDGET]
            case SourceUnavailable():
                log.warning("agent_without_source", reason=str(failure))
                return Messages.MISSING, [Degraded.SOURCE]
            case TimeoutError():
                log.warning("agent_out_of_time")
                return Messages.TOO_LATE, [Degraded.OUT_OF_TIME]
        log.error("agent_failed", exc_info=failure)
        return Messages.UNAVAILABLE, [Degraded.AGENT]

    async def _result(self, task: Task, language: Language, history: Sequence[Turn]) -> tuple[TaskResult, list[str]]:
        degraded: list[str] = []
        message = Messages.MISSING
        agent = self._agents[task["agent"]]
        try:
            if task["agent"] in self._runners:
                result, degraded = await self._from_model(task, language, history)
                if result:
                    return result, degraded
            async with Deadline.until(DeadlineFraction.DATA):
                text, findings = await agent.answer_without_model(task["question"], language)
            return TaskResults.answered(task, text, findings), degraded
        except ClarificationNeeded as needed:
            return TaskResults.unanswered(task, needed.question, "asked"), degraded
        except ApprovalNeeded as needed:
            text = agent.render_partial(needed.findings, language)
            return TaskResults.answered(task, text, needed.findings), degraded
        except (SourceUnavailable, PolicyViolation) as failure:
            log.warning("agent_without_source", reason=str(failure))
            reason = Degraded.SOURCE
        except TimeoutError:
            log.warning("agent_out_of_time")
            reason = Degraded.OUT_OF_TIME
            message = Messages.TOO_LATE
        except Exception:
            # An agent is the user's code: its bug costs this part of the answer, not the rest.
            log.exception("agent_failed")
            reason = Degraded.AGENT
        FAILURES.labels("agents", task["agent"]).inc()
        return TaskResults.missing(task, message, language), [*degraded, reason]

    async def _from_model(
        self, task: Task, language: Language, history: Sequence[Turn]
    ) -> tuple[TaskResult | None, list[str]]:
        """The model's answer, or a cached one; None when there is neither. And why it is degraded."""
        key = self._cache_key(task, language, history)
        try:
            async with Deadline.until(DeadlineFraction.MODEL):
                runner = self._runners[task["agent"]]
                answer = await runner.answer(task["question"], language, history)
        except (ApprovalNeeded, ClarificationNeeded, SourceUnavailable, PolicyViolation):
            raise
        except Exception as failure:
            if (gate := RunContext.current().gate) and gate.calls:  # it has said what it wants
                raise ApprovalNeeded from failure
            # Providers raise far more than their own errors; whatever a model does wrong, the
            # agent can still answer from its data.
            reason = failure.reason if isinstance(failure, ModelUnavailable) else None
            log.warning("agent_without_model", error=type(failure).__name__, reason=reason)
            if reason in (Degraded.UNGROUNDED, Degraded.UNSAFE, Degraded.LANGUAGE):
                return None, [reason]
            degraded = Degraded.reasons_for("model", failure)
        else:
            result = TaskResults.answered(task, answer.text, answer.findings)
            result["grounding"] = answer.grounding
            if key and not (answer.degraded or RunContext.current().degraded):
                self._cache.put(key, result)
            return result, [*answer.degraded]
        if not key or not (hit := self._cache.get(key)):
            return None, degraded
        stale, age_seconds = hit
        return {**stale, "question": task["question"], "age_seconds": age_seconds}, [*degraded, Degraded.STALE_ANSWER]

    def _cache_key(self, task: Task, language: Language, history: Sequence[Turn]) -> CacheKey | None:
        """What an answer is cached under, for this owner alone; None in a run that names no owner.

        Within a conversation the question before counts too: the answer to "and tomorrow?" hangs on it.
        """
        thread = RunContext.current().thread
        if thread is None:
            return None
        version = self._agents[task["agent"]].prompt.version
        before = history[-1]["question"] if history else ""
        return CacheKey(thread.owner, language, task["agent"], version, f"{before} {task['question']}")
