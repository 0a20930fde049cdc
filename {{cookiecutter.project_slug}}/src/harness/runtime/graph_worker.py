"""A graph as one of the workers of a run: its results, checked as any agent's are."""

from collections.abc import Sequence
from typing import Any, Final

import structlog

from ..errors import InputRefused, ModelUnavailable
from ..guards.output import GroundingLevel, OutputGuard, OutputPolicy
from ..guards.personal_data import PiiRules
from ..guards.tool_policy import Approval, ApprovalGate
from ..prompts.language import Language, LanguageDetector
from ..prompts.messages import Messages
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.audit_log import AuditLog
from ..telemetry.redaction import Redactor
from .agent import ToolResult
from .agent_runner import AgentRunner
from .approvals import PendingApprovals
from .graph_agent import GraphAgent
from .graph_runner import GraphResult, WaitingCall
from .replies import Degraded
from .state import Decision, PendingCall, Task, TaskResult, TaskResults, Turn

log = structlog.stdlib.get_logger(__name__)


class GraphWorker:
    """Runs one graph agent on a task, and goes on with it when a person has decided."""

    REJECTED: Final = "The user said no to this."

    def __init__(self, agent: GraphAgent, settings: Settings, outgoing: OutputPolicy) -> None:
        self._agent = agent
        self._outgoing = outgoing
        self._pending = PendingApprovals(settings, outgoing)
        self._max_chars = settings.message_max_chars
        self._personal = PiiRules(settings.personal_data_in)

    async def answer(
        self, task: Task, message: str, language: Language, history: Sequence[Turn] = ()
    ) -> list[TaskResult]:
        """The graph's answer, its question back, or the calls that wait for a person.

        What it asked before is answered by the whole `message` of the user; of the `history` its own turns count.

        Raises:
            ModelUnavailable: Its answer may not leave, such as for a figure that nothing had found.
            Exception: Whatever its nodes raise.
        """
        run = RunContext.current()
        evidence = run.evidence if run.evidence is not None else []
        if run.stream:
            run.stream.guard = lambda: self._guard(task, evidence, language) if self._may_speak(evidence) else None
        past = [it for it in history if self._agent.name in it["agents"]]
        result = await self._agent.runner.run(task["question"], message, past)
        return await self._results(task, result, evidence, language)

    async def resume(
        self, task: Task, approval: Approval, decision: Decision, call: PendingCall, language: Language
    ) -> list[TaskResult]:
        """What the graph does after the decision; the call itself runs in it, when it was approved.

        Raises what `answer` raises.
        """
        evidence = [ToolResult(**it) for it in call.get("evidence", ())]
        is_approved = decision["verdict"] == "approve"
        gate = ApprovalGate(self._outgoing.leaks, self._max_chars)
        with RunContext.scope(approval=approval if is_approved else None, gate=gate, evidence=evidence):
            result = await self._agent.runner.resume(call["interrupt"], await self._value(call["form"], decision))
            if not is_approved:  # the graph's own words may say anything
                said = Messages.REJECTED.format(language, call=call["shown"])
                return [
                    TaskResults.unanswered(task, said, "rejected"),
                    *await self._results(task, result, evidence, language, may_speak=True),
                ]
            if result.waiting or result.asked:
                done = self._decided(task, approval, call, language)
                return [done, *await self._results(task, result, evidence, language)]
            evidence.append(ToolResult(call["arguments"]))  # the person has seen their figures
            return await self._results(task, result, evidence, language)

    @staticmethod
    def _decided(task: Task, approval: Approval, call: PendingCall, language: Language) -> TaskResult:
        """What became of an approved call, while others still wait."""
        if not approval.is_done and call["form"] == "approval":
            return TaskResults.missing(task, Messages.UNCONFIRMED, language, call=call["shown"])
        return PendingApprovals.done(task, call, language)

    async def _value(self, form: str, decision: Decision) -> Any:
        """What the interrupt is resumed with; a person's own value is read by the guards of a message."""
        kind, _, count = form.partition(" ")
        if kind == "approval":
            return {"verdict": decision["verdict"]}
        if kind == "value":
            value = Redactor.map_texts(decision.get("value"), lambda text: self._personal.mask_input(text)[0])
            if len(str(value)) > self._max_chars:
                raise InputRefused("value", f"longer than {self._max_chars} characters (MESSAGE_MAX_CHARS)")
            host = RunContext.current().host
            return await host.results.sanitize(value) if host else value
        one = {"type": decision["verdict"]} | ({} if decision["verdict"] == "approve" else {"message": self.REJECTED})
        return {"decisions": [one] * int(count)}

    async def _results(
        self,
        task: Task,
        result: GraphResult,
        evidence: Sequence[ToolResult],
        language: Language,
        *,
        may_speak: bool = False,
    ) -> list[TaskResult]:
        if result.waiting or result.asked:
            results = [self._waiting(task, it, evidence, language) for it in result.waiting]
            if result.asked:
                guard = self._guard(task, evidence, language)
                text = guard.masked(result.asked)
                self._refuse(guard, guard.violation(text, is_ours=True), text)
                results.append(TaskResults.unanswered(task, text, "asked"))
            return results
        found = [it for it in evidence if it.facts]
        may_speak = may_speak or self._may_speak(found) or LanguageDetector.is_courtesy(task["question"])
        level = self._agent.grounding
        may_repeat = level == "sources" and not (may_speak or found)
        if may_repeat:  # what states nothing new, such as a summary
            level, found = "facts", [ToolResult({"before": list(result.remembered)})]
        guard = self._guard(task, found, language, level)
        text = guard.masked(result.text)
        if not may_speak:
            if AgentRunner.is_question(text):
                self._refuse(guard, guard.violation(text), text)
                return [TaskResults.unanswered(task, text, "asked")]
            if not may_repeat:
                AuditLog.record("grounding", "withheld", "no tool")
                raise ModelUnavailable("agent", Degraded.UNGROUNDED)
        self._refuse(guard, guard.violation(text), text)
        await self._judge(task, text, [it.facts for it in found], language)
        return [{**TaskResults.answered(task, text, found), "grounding": self._agent.grounding}]

    async def _judge(self, task: Task, text: str, facts: Sequence[Any], language: Language) -> None:
        """Pass a text that the judge has nothing against, or where none is set; raises ModelUnavailable."""
        judge = self._outgoing.grounded(self._agent.grounding).judge
        if judge and facts and not await judge.supports(text, task["question"], facts, language):
            raise ModelUnavailable("agent", Degraded.UNGROUNDED)

    def _waiting(
        self, task: Task, waiting: WaitingCall, evidence: Sequence[ToolResult], language: Language
    ) -> TaskResult:
        if waiting.form != "approval" and (gate := RunContext.current().gate):
            gate.add(waiting.call)
        result = self._pending.result(task, waiting.call, language)
        found: list[Any] = [{"facts": dict(it.facts), "sources": list(it.sources)} for it in evidence if it.facts]
        call: PendingCall = {**result["call"], "interrupt": waiting.interrupt, "form": waiting.form, "evidence": found}
        return {**result, "call": call}

    def _guard(
        self, task: Task, found: Sequence[ToolResult], language: Language, level: GroundingLevel | None = None
    ) -> OutputGuard:
        sources = [source for it in found for source in it.sources]
        return OutputGuard(
            self._outgoing.grounded(level or self._agent.grounding),
            task["question"],
            [it.facts for it in found],
            [source["url"] for source in sources],
            said=[source["title"] for source in sources],
            language=language,
        )

    def _may_speak(self, found: Sequence[ToolResult]) -> bool:
        """False where an answer needs something found, and nothing is."""
        if self._agent.grounding == "sources":
            return any(it.sources for it in found)
        return self._agent.grounding == "open" or any(it.facts for it in found)

    @staticmethod
    def _refuse(guard: OutputGuard, refusal: str | None, text: str) -> None:
        if refusal:
            log.debug("answer_withheld", refusal=refusal, unsupported=[*guard.unsupported(text)])
            raise ModelUnavailable("agent", Degraded.refused(guard.block(refusal)))
