"""An agent with its model: the loop of model and tools, and what may leave it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import structlog
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from ..errors import (
    ApprovalNeeded,
    BudgetExceeded,
    ClarificationNeeded,
    ModelUnavailable,
    PolicyViolation,
    ServiceError,
    SourceUnavailable,
)
from ..guards.claims import Claims
from ..guards.output import GroundingLevel, OutputGuard, OutputPolicy
from ..guards.tool_policy import ToolPolicy
from ..limits.budget import Budget, RunLimits
from ..models.factory import LLMFactory
from ..prompts.language import Language, LanguageDetector
from ..prompts.shared import ANSWER_LANGUAGE, UNGROUNDED, WRONG_LANGUAGE
from ..run_context import RunContext
from ..settings import Settings
from ..telemetry.audit_log import AuditLog
from .agent import Agent, ToolResult
from .replies import Degraded
from .safe_tool import SafeTools
from .state import Turn
from .threads import History

log = structlog.get_logger(__name__)


class AgentScript:
    """The embedded model as an agent: it calls the tools of `plan_without_model`, then renders their results."""

    def __init__(self, agent: Agent[Any]) -> None:
        self._agent = agent

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Tool calls for a question, the answer for their results."""
        language: Language = messages[0].additional_kwargs["language"]
        results = [message for message in messages if isinstance(message, ToolMessage)]
        if results:
            findings = [m.artifact for m in results if isinstance(m.artifact, ToolResult)]
            complete = len(findings) == len(results)
            return AIMessage(self._agent.render(findings, language) if complete else "")
        question = next(message.text for message in reversed(messages) if isinstance(message, HumanMessage))
        calls = self._agent.plan_without_model(question, language)
        return AIMessage(
            content="",
            tool_calls=[
                {"name": call.tool, "args": dict(call.arguments), "id": f"call_{at}"} for at, call in enumerate(calls)
            ],
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """One answer of a model, the tool results that hold it up, and the guard that checks it."""

    REASONS: ClassVar[Mapping[type[ServiceError], str]] = {
        BudgetExceeded: Degraded.OVER_BUDGET,
        SourceUnavailable: Degraded.SOURCE,
        PolicyViolation: Degraded.SOURCE,
    }
    """What a failed tool call costs an answer that other calls hold up."""

    text: str
    findings: Sequence[ToolResult]
    failures: Sequence[ServiceError]
    messages: Sequence[AnyMessage]
    guard: OutputGuard
    grounding: GroundingLevel = "facts"
    """The level at which `guard` checks it."""

    @property
    def degraded(self) -> list[str]:
        """Why it is degraded: some of the tool calls failed or were refused, or its end is missing."""
        reasons = {self.REASONS[type(it)] for it in self.failures if type(it) in self.REASONS}
        return sorted(reasons | Degraded.cut(self.messages[-1]))


class AgentRunner:
    """One agent, its model and its tools in a loop; built once, used by every run."""

    MAX_NAMED: Final = 10
    """Unsupported figures and names that a correction lists; more would be another answer. A guess."""

    NAMED_CHARS: Final = 80
    """Of each: a sentence may be a stranger's, out of a tool's result, and is not said again in the user's name. A guess."""

    QUESTION: Final = re.compile(r"¿?[^.!?¿\n]{1,200}\?")
    """One short question and nothing else; 200 characters are a guess."""

    @classmethod
    def is_question(cls, text: str) -> bool:
        """True for a question back, which states nothing."""
        return cls.QUESTION.fullmatch(text) is not None and Claims.asks(text)

    def __init__(self, agent: Agent[Any], settings: Settings, factory: LLMFactory, outgoing: OutputPolicy) -> None:
        self._agent = agent
        self._strict = outgoing
        self._outgoing = outgoing.grounded(agent.grounding)
        self._limits = RunLimits("AGENT", settings.agent_max_model_calls, settings.agent_max_tool_calls)
        self._history = History(agent.history_turns, settings.history_max_tokens)
        offered = [tool for tool in agent.toolset if agent.rights.allows(tool.name)]
        model = factory.for_role("agent", AgentScript(agent))
        self._model = model.bind_tools(offered) if offered else model
        self._tools = SafeTools(agent.toolset, agent.rights, settings.message_max_chars)

    async def answer(self, question: str, language: Language, history: Sequence[Turn] = ()) -> Draft:
        """The model's answer, grounded in what its tools found as far as the agent asks for it.

        It reads as many of the last turns of `history` as the agent declares.

        Raises:
            ModelUnavailable: The model said nothing, or what may not leave, such as a
                figure that no tool had found (`ungrounded`, `unsafe_answer`).
            ClarificationNeeded: It asks the user something, or a tool does.
            SourceUnavailable: Every tool call failed; so may other errors of the tools.
            ApprovalNeeded: A call waits for a person. The model's words are dropped: it may say
                that it is done.
            Exception: Whatever a provider raises, which is far more than its own errors.
        """
        prompt = self._agent.prompt
        turns = self._history.trimmed(history)
        text = f"{prompt.render(language)}\n\n{ANSWER_LANGUAGE.render(language)}"
        messages: list[AnyMessage] = [SystemMessage(text, additional_kwargs={"language": language})]
        for turn in turns:
            messages += [HumanMessage(turn["question"]), AIMessage(turn["answer"])]
        words = [turn["question"] for turn in turns]
        if self._agent.grounding != "facts":  # a summary says again what was said
            words += [turn["answer"] for turn in turns]
        given = [*words, question]
        with Budget.scope(self._limits):
            draft = await self._attempt([*messages, HumanMessage(question)], given, language)
            refusal = draft.guard.violation(draft.text)
            if refusal in OutputGuard.MENDABLE:
                draft, refusal = await self._retry(draft, refusal, given, language)
        if refusal:
            raise ModelUnavailable("agent", Degraded.refused(draft.guard.block(refusal)))
        facts = [it.facts for it in draft.findings]
        if (
            facts
            and (judge := self._outgoing.judge)
            and not await judge.supports(draft.text, question, facts, language)
        ):
            raise ModelUnavailable("agent", Degraded.UNGROUNDED)
        return draft

    def guard(
        self, question: str, language: Language, findings: Sequence[ToolResult], said: Iterable[str] = ()
    ) -> OutputGuard:
        """The guard of an answer to `question` that rests on `findings`; `said` may be named too."""
        return self._guard(self._outgoing, question, language, findings, said)

    @classmethod
    def correction(cls, refusal: str, unsupported: Sequence[str], language: Language) -> HumanMessage:
        """The message that asks once more, saying what was wrong: `language` or `ungrounded`."""
        if refusal == OutputGuard.LANGUAGE:
            return HumanMessage(WRONG_LANGUAGE.render(language))
        return HumanMessage(
            UNGROUNDED.render(
                language, unsupported=", ".join(it[: cls.NAMED_CHARS] for it in unsupported[: cls.MAX_NAMED])
            )
        )

    async def _retry(
        self, draft: Draft, refusal: str, given: Sequence[str], language: Language
    ) -> tuple[Draft, str | None]:
        """A second attempt in the same limits, and why it is refused too; else the first one."""
        correction = self.correction(refusal, draft.guard.unsupported(draft.text), language)
        try:
            second = await self._attempt([*draft.messages, correction], given, language)
        except Exception as failure:  # noqa: BLE001 - a model may fail in every way: see `answer`
            log.warning("correction_failed", error=type(failure).__name__)
            return draft, refusal
        if (again := second.guard.violation(second.text)) is None:
            OutputGuard.corrected(refusal, "agent")
        return second, again

    async def _attempt(self, before: Sequence[AnyMessage], given: Sequence[str], language: Language) -> Draft:
        """The answer of model and tools after `before`; what the user has `given`, the question last, may be said."""
        messages = await self._loop(before, given, language)
        results = [m for m in messages if isinstance(m, ToolMessage)]
        findings = self._findings(messages)
        failures = [m.artifact for m in results if isinstance(m.artifact, ServiceError)]
        if any(isinstance(it, ApprovalNeeded) for it in failures):
            raise ApprovalNeeded(findings)
        level = self._agent.grounding
        if failures and not findings and level != "open":
            called = [it for it in failures if not (isinstance(it, PolicyViolation) and it.kind == ToolPolicy.TOOL)]
            raise called[0] if called else ModelUnavailable("agent", "it called no tool that there is")
        text = messages[-1].text.strip()
        if not text:
            raise ModelUnavailable("agent", "said nothing")
        guard = self.guard("\n".join(given), language, findings)
        text = guard.masked(text)
        if not self._may_speak(findings):
            self._check_memory(text, given, language)
        return Draft(text, findings, failures, messages, guard, level)

    async def _loop(self, before: Sequence[AnyMessage], given: Sequence[str], language: Language) -> list[AnyMessage]:
        """`before` and all that model and tools say after it, until an answer calls no tool.

        Raises:
            BudgetExceeded: No model call is left, or an answer calls more tools at once than the
                agent may in all: 500 refusals, one by one, would cost seconds.
        """
        messages = [*before]
        config: Any = {"metadata": self._agent.prompt.metadata}
        for _ in range(self._limits.model_calls):
            if stream := RunContext.current().stream:
                findings = self._findings(messages)
                make = partial(self.guard, "\n".join(given), language, findings)
                stream.guard = make if self._may_speak(findings) else lambda: None
            answer = self._tools.known(await self._model.ainvoke(messages, config))
            messages.append(answer)
            if not answer.tool_calls:
                return messages
            if len(answer.tool_calls) > self._limits.tool_calls:
                raise BudgetExceeded("tool calls", self._limits.tool_calls, "AGENT_MAX_TOOL_CALLS")
            messages += await self._tools.run(answer.tool_calls)
        raise BudgetExceeded("model calls", self._limits.model_calls, "AGENT_MAX_MODEL_CALLS")

    @staticmethod
    def _findings(messages: Sequence[AnyMessage]) -> list[ToolResult]:
        """What the tools found, in the order of the calls."""
        results = (m.artifact for m in messages if isinstance(m, ToolMessage))
        return [it for it in results if isinstance(it, ToolResult)]

    def _may_speak(self, findings: Sequence[ToolResult]) -> bool:
        """False where an answer needs something found, and nothing is."""
        level = self._agent.grounding
        return level == "open" or any(level == "facts" or it.sources for it in findings)

    def _check_memory(self, text: str, given: Sequence[str], language: Language) -> None:
        """Let words through that no tool holds up, where they state nothing new.

        Raises:
            ClarificationNeeded: They are a question back.
            ModelUnavailable: They state something, or may not leave.
        """
        guard = self._guard(self._strict, "\n".join(given), language, ())
        refusal = guard.violation(text)
        if refusal is None and self.is_question(text):
            raise ClarificationNeeded(text)
        if refusal not in (None, OutputGuard.UNGROUNDED):
            raise ModelUnavailable("agent", Degraded.refused(guard.block(refusal)))
        is_kind = LanguageDetector.is_courtesy(given[-1])
        if refusal or (self._agent.grounding == "facts" and not is_kind):
            AuditLog.record("grounding", "withheld", "no tool")
            raise ModelUnavailable("agent", Degraded.UNGROUNDED)

    def _guard(
        self,
        outgoing: OutputPolicy,
        question: str,
        language: Language,
        findings: Sequence[ToolResult],
        said: Iterable[str] = (),
    ) -> OutputGuard:
        return OutputGuard(
            outgoing,
            question,
            [finding.facts for finding in findings],
            [source["url"] for finding in findings for source in finding.sources],
            said=self._known_texts(findings, language, said),
            language=language,
        )

    def _known_texts(self, findings: Sequence[ToolResult], language: Language, said: Iterable[str]) -> Iterator[str]:
        """Texts from which an answer may have names, beside the facts."""
        yield from said
        yield from (source["title"] for finding in findings for source in finding.sources)
        yield from self._agent.description.values()
        yield from self._agent.prompt.text.values()
        try:
            if findings:
                yield self._agent.render(findings, language)
        except Exception as failure:  # noqa: BLE001 - a user's code, for other calls than its own
            log.info("own_words_unknown", error=type(failure).__name__)
