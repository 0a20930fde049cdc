"""Approvals: a call of a writing tool waits in its thread, and runs once when a person has approved it."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import orjson
import structlog
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.runtime import Runtime
from langgraph.types import Overwrite, interrupt

from ..errors import ClarificationNeeded, ModelUnavailable, PolicyViolation, SourceUnavailable
from ..guards.output import OutputGuard, OutputPolicy
from ..guards.tool_policy import Approval, PendingToolCall
from ..limits.budget import Budget
from ..limits.deadline import Deadline, DeadlineFraction
from ..prompts.language import Language
from ..prompts.messages import Messages
from ..run_context import RunContext
from ..settings import Settings
from ..storage.thread_ref import ThreadRef
from ..telemetry.audit_log import AuditLog
from .agent import Agent
from .replies import Degraded
from .state import Decision, PendingCall, State, Task, TaskResult, TaskResults
from .tool_result import ToolResult

if TYPE_CHECKING:
    from .graph_worker import GraphWorker

log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


class PendingApprovals:
    """Makes the results of calls that need approval."""

    def __init__(self, settings: Settings, outgoing: OutputPolicy) -> None:
        self._ttl_seconds = settings.approval_ttl_seconds
        self._outgoing = outgoing

    def result(self, task: Task, call: PendingToolCall, language: Language) -> TaskResult:
        """What the answer says of `call`: that nothing has been done, and what it would be."""
        pending = PendingCall(
            id=uuid4().hex,
            agent=call.agent,
            tool=call.tool,
            arguments=call.arguments,
            shown=self._shown(call, task["question"]),
            expires_at=time.time() + self._ttl_seconds,
        )
        text = Messages.WAITING.format(language, call=pending["shown"])
        return {**TaskResults.unanswered(task, text, "waiting"), "call": pending}

    @staticmethod
    def done(task: Task, call: PendingCall, language: Language) -> TaskResult:
        """What the answer says of an approved call that has run."""
        text = Messages.DONE.format(language, call=call["shown"])
        return TaskResults.answered(task, text, [ToolResult(call["arguments"])])  # a person has seen them

    def _shown(self, call: PendingToolCall, question: str) -> str:
        """The call as a sentence holds it; its name alone where an answer may not hold its arguments.

        Markup or a stranger's link is in the reply's `approvals` only, where no page makes it live.
        """
        given = (f"{name}={orjson.dumps(it).decode()}" for name, it in call.arguments.items())
        shown = f"{call.name}({', '.join(given)})"
        guard = OutputGuard(self._outgoing, question, [])
        may_leave = guard.violation(shown) in (None, *OutputGuard.MENDABLE)
        is_whole = guard.masked(shown, is_counted=False) == shown
        return shown if may_leave and is_whole else call.name


class Approvals:
    """The calls that wait for approval in the threads of a store."""

    INTERRUPT: Final = "__interrupt__"
    """Where LangGraph keeps what an interrupted thread waits for, beside its newest checkpoint."""

    @classmethod
    def pending(cls, checkpoint: CheckpointTuple | None) -> Sequence[PendingCall]:
        """The calls for which a thread waits, whatever has been decided since."""
        writes: Sequence[tuple[str, str, Any]] = (checkpoint and checkpoint.pending_writes) or ()
        return [
            call
            for _, channel, interrupts in writes
            if channel == cls.INTERRUPT
            for interrupt in interrupts
            for call in interrupt.value
        ]

    @staticmethod
    def is_expired(call: PendingCall) -> bool:
        """True when it has waited too long."""
        return call["expires_at"] <= time.time()

    @staticmethod
    def key(thread: ThreadRef, approval_id: str) -> str:
        """Its decision in the store: of this thread alone, and no Idempotency-Key reads like it."""
        return f"{thread.key} approval {approval_id}"


class ApprovalNode:
    """Interrupts the run with the calls that wait; resumed with a decision, carries it out.

    No model has a part in this. It does not know whether a decision was carried out before: whoever
    resumes a run claims the decision in the store first (`Sessions.open_decision`).
    """

    def __init__(self, agents: Sequence[Agent[Any]], graphs: Mapping[str, "GraphWorker"]) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._graphs = graphs

    async def __call__(self, state: State, runtime: Runtime[RunContext]) -> Mapping[str, Any]:
        """Write the result of the call that was decided, and take the run's answer back for it."""
        interrupt([it["call"] for it in state["outcomes"] if "call" in it])
        decision = RunContext.current().decision
        if decision is None:  # resumed past the service: nobody has claimed anything
            raise PolicyViolation("approval", "only a decision that the store has claimed counts")
        language = state["language"]
        results, degraded = list[TaskResult](), list[str]()
        others = [it["call"] for it in state["outcomes"] if "call" in it and it["call"]["id"] != decision["id"]]
        known = {it.get("interrupt") for it in others}
        for waiting in state["outcomes"]:
            call, result = waiting.get("call"), waiting
            task = Task(agent=waiting["agent"], question=waiting["question"])
            if call and call["id"] == decision["id"]:
                if "interrupt" in call:
                    more, degraded = await self._resumed(task, call, decision, language)
                    # The others of this graph stand below with the ids that a person has seen.
                    results += [it for it in more if it.get("call", {}).get("interrupt", "") not in known]
                    continue
                if decision["verdict"] == "approve":
                    result, degraded = await self._run(task, call, language)
                else:
                    AuditLog.record("approval", "rejected", f"{call['agent']}.{call['tool']}")
                    text = Messages.REJECTED.format(language, call=call["shown"])
                    result = TaskResults.unanswered(task, text, "rejected")
            elif call and call["id"] in decision.get("unresolved", []):
                result = TaskResults.missing(task, Messages.UNRESOLVED, language, call=call["shown"])
            results.append(result)
        return {"outcomes": Overwrite(results), "degraded": degraded, "history": state["history"][:-1], "withdrawn": []}

    async def _resumed(
        self, task: Task, call: PendingCall, decision: Decision, language: Language
    ) -> tuple[list[TaskResult], list[str]]:
        """What a graph does after the decision, and why it is degraded."""
        is_approved = decision["verdict"] == "approve"
        approval = self._approval(call)
        AuditLog.record("approval", "approved" if is_approved else "rejected", approval.call.name)
        with RunContext.scope(degraded=(noted := list[str]())):
            work = self._graphs[task["agent"]].resume(task, approval, decision, call, language)
            results, reason = await self._contained(work, approval, task)
        if reason is None:
            return results or [], [*dict.fromkeys(noted)]
        if is_approved and approval.is_done:
            return [PendingApprovals.done(task, call, language)], [reason]
        said = Messages.REJECTED
        if is_approved:
            may_have_begun = approval.is_used or call.get("form") != "approval"  # others run past our tools
            said = Messages.UNCONFIRMED if may_have_begun else Messages.NOT_DONE
        return [TaskResults.missing(task, said, language, call=call["shown"])], [reason]

    async def _run(self, task: Task, call: PendingCall, language: Language) -> tuple[TaskResult, list[str]]:
        """The result of the approved call, and why it is degraded."""
        approval = self._approval(call)
        AuditLog.record("approval", "approved", approval.call.name)
        Budget.take_tool_call()
        agent = self._agents[call["agent"]]
        try:
            result, reason = await self._contained(agent.perform(approval), approval, task)
        except ClarificationNeeded as needed:
            return TaskResults.unanswered(task, needed.question, "asked"), []
        if result is not None:
            text = agent.render_partial([result], language)
            text = text or Messages.DONE.format(language, call=call["shown"])
            # The person has seen the figures of the arguments.
            facts: list[Mapping[str, Any]] = [dict(result.facts), call["arguments"]]
            return {**TaskResults.answered(task, text, [result]), "facts": facts}, []
        message = Messages.UNCONFIRMED if approval.is_used else Messages.NOT_DONE
        return TaskResults.missing(task, message, language, call=call["shown"]), [str(reason)]

    @staticmethod
    def _approval(call: PendingCall) -> Approval:
        return Approval(call["id"], PendingToolCall(call["agent"], call["tool"], call["arguments"]))

    @staticmethod
    async def _contained(work: Coroutine[Any, Any, T], approval: Approval, task: Task) -> tuple[T | None, str | None]:
        """What `work` brings; or None, and why an answer without it is degraded."""
        name = approval.call.name
        try:
            async with Deadline.until(DeadlineFraction.DATA):
                return await work, None
        except ClarificationNeeded:
            raise
        except (SourceUnavailable, PolicyViolation) as failure:
            log.warning("approved_call_failed", call=name, reason=str(failure))
            return None, Degraded.SOURCE
        except ModelUnavailable as failure:  # of a graph, after the call
            log.warning("agent_without_model", agent=task["agent"], reason=failure.reason)
            return None, Degraded.reasons_of_graph(failure)[0]
        except TimeoutError:
            log.warning("approved_call_out_of_time", call=name)
            return None, Degraded.OUT_OF_TIME
        except (Exception, asyncio.CancelledError):
            # An agent is the user's code. What it had begun may be done all the same.
            if (running := asyncio.current_task()) and running.cancelling():  # the run ends
                raise
            log.exception("approved_call_failed", call=name)
            return None, Degraded.AGENT
