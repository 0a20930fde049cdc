"""The approve node: the run stops until a person has decided, then does just what was approved."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from langgraph.config import get_config
from langgraph.types import Overwrite, interrupt

from ..errors import ClarificationNeeded, PolicyViolation, SourceUnavailable
from ..guards.approval import Approval, PendingToolCall
from ..limits.budget import Budget
from ..limits.deadline import Deadline, DeadlineFraction
from ..prompts.language import Language
from ..prompts.messages import Messages
from ..telemetry.audit_log import AuditLog
from .agent import Agent
from .degraded import Degraded
from .state import Decision, PendingCall, State, TaskResult

log = structlog.stdlib.get_logger(__name__)


class ApprovalNode:
    """Interrupts the run with the calls that wait; resumed with a decision, carries it out.

    No model has a part in this. It does not know whether a decision was carried out before: whoever
    resumes a run takes the decision in the store first (`Sessions.decision`).
    """

    CONFIG: Final = "decision"
    """Where a run's configuration holds the decision with which it is resumed. LangGraph (1.2) gives a
    node whose run broke the value of before: that would carry out another decision, or one twice."""

    def __init__(self, agents: Sequence[Agent[Any]]) -> None:
        self._agents = {agent.name: agent for agent in agents}

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write the outcome of the call that was decided, and take the turn's answer back for it."""
        stated = interrupt([o["call"] for o in state["outcomes"] if "call" in o])
        decision: Decision = get_config()["configurable"].get(self.CONFIG, stated)
        outcomes, degraded = list[TaskResult](), list[str]()
        for outcome in state["outcomes"]:
            call, ended = outcome.get("call"), outcome
            if call and call["id"] == decision["id"]:
                ended, degraded = await self._decided(outcome, call, decision, state["language"])
            elif call and call["id"] in decision.get("lost", []):
                text = Messages.LOST.format(state["language"], call=call["shown"])
                ended = self._ended(outcome, text, "missing")
            outcomes.append(ended)
        return {
            "outcomes": Overwrite(outcomes),
            "degraded": degraded,
            "history": state["history"][:-1],
            "withdrawn": [],
        }

    async def _decided(
        self, outcome: TaskResult, call: PendingCall, decision: Decision, language: Language
    ) -> tuple[TaskResult, list[str]]:
        """What became of the call, and why that is a lesser outcome."""
        writing = PendingToolCall(call["agent"], call["tool"], call["arguments"])
        if decision["verdict"] == "reject":
            AuditLog.record("approval", "rejected", writing.name)
            text = Messages.REJECTED.format(language, call=call["shown"])
            return self._ended(outcome, text, "rejected"), []
        AuditLog.record("approval", "approved", writing.name)
        approval = Approval(call["id"], writing)
        try:
            async with Deadline.until(DeadlineFraction.DATA):
                Budget.take_tool_call()
                agent = self._agents[call["agent"]]
                finding = await agent.perform(approval)
        except ClarificationNeeded as needed:
            return self._ended(outcome, needed.question, "asked"), []
        except (SourceUnavailable, PolicyViolation) as failure:
            log.warning("approved_call_failed", call=writing.name, reason=str(failure))
            reason = Degraded.SOURCE
        except TimeoutError:
            log.warning("approved_call_out_of_time", call=writing.name)
            reason = Degraded.OUT_OF_TIME
        except (Exception, asyncio.CancelledError):
            # An agent is the user's code. What it had begun may be done all the same.
            if (
                task := asyncio.current_task()
            ) and task.cancelling():  # from outside: this run ends
                raise
            log.exception("approved_call_failed", call=writing.name)
            reason = Degraded.AGENT
        else:
            text = agent.render_partial([finding], language)
            text = text or Messages.DONE.format(language, call=call["shown"])
            # The person has seen the figures of the arguments.
            facts: list[Mapping[str, Any]] = [dict(finding.facts), call["arguments"]]
            ended = self._ended(outcome, text, "answered")
            return {**ended, "facts": facts, "sources": list(finding.sources)}, []
        phrase = Messages.UNCONFIRMED if approval.is_used else Messages.NOT_DONE
        return self._ended(outcome, phrase.format(language, call=call["shown"]), "missing"), [
            reason
        ]

    @staticmethod
    def _ended(outcome: TaskResult, text: str, status: Any) -> TaskResult:
        return TaskResult(
            agent=outcome["agent"],
            question=outcome["question"],
            text=text,
            facts=[],
            sources=[],
            status=status,
        )
