"""An agent with its model: the loop of model and tools, and what may leave it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import structlog
from langchain.agents import create_agent
from langchain.agents.middleware import InputAgentState
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig

from ..errors import ApprovalNeeded, BudgetExceeded, ModelUnavailable, PolicyViolation, ServiceError, SourceUnavailable
from ..guards.output import OutputGuard, OutputPolicy
from ..limits.budget import Budget, RunLimits
from ..models.budgeted_model import BudgetedModel
from ..models.factory import LLMFactory
from ..prompts.language import Language
from ..prompts.shared import ANSWER_LANGUAGE, UNGROUNDED, WRONG_LANGUAGE
from ..settings import Settings
from ..telemetry.audit_log import AuditLog
from .agent import Agent, ToolResult
from .replies import Degraded
from .safe_tool import SafeTool, UnknownTool

log = structlog.get_logger(__name__)


class AgentScript:
    """The embedded model as an agent: it calls the tools of `plan_without_model`, then renders their results."""

    def __init__(self, agent: Agent[Any]) -> None:
        self._agent = agent

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Tool calls for a question, the answer for their results."""
        language: Language = messages[0].additional_kwargs["language"]
        question = str(messages[1].content)
        results = [message for message in messages if isinstance(message, ToolMessage)]
        if results:
            findings = [m.artifact for m in results if isinstance(m.artifact, ToolResult)]
            complete = len(findings) == len(results)
            return AIMessage(self._agent.render(findings, language) if complete else "")
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

    @property
    def degraded(self) -> list[str]:
        """Why it is degraded: some of the tool calls failed or were refused."""
        return sorted({self.REASONS[type(it)] for it in self.failures if type(it) in self.REASONS})


class AgentRunner:
    """One agent, its model and its tools in a loop; built once, used by every run."""

    MAX_NAMED: Final = 10
    """Unsupported figures and names that a correction lists; more would be another answer. A guess."""

    STEPS_PER_CALL: Final = 2
    """Supersteps of one turn of the loop (langchain 1.4): the model, its tools."""

    def __init__(self, agent: Agent[Any], settings: Settings, factory: LLMFactory, outgoing: OutputPolicy) -> None:
        self._agent = agent
        self._outgoing = outgoing
        self._limits = RunLimits("AGENT", settings.agent_max_model_calls, settings.agent_max_tool_calls)
        self._steps = self.STEPS_PER_CALL * (settings.agent_max_model_calls + 1)
        offered = [tool for tool in agent.tools if agent.rights.allows(tool.name)]
        model = factory.for_role("agent", AgentScript(agent)).bind_tools(offered)
        tools = [*agent.tools, UnknownTool(rights=agent.rights)]
        names = frozenset(tool.name for tool in agent.tools)
        self._loop = create_agent(
            BudgetedModel(model=model, caps=self._limits, tools=names, no_tool=UnknownTool.NAME),
            [SafeTool.wrap(tool, settings.message_max_chars) for tool in tools],
            checkpointer=False,  # the thread's memory is the outer graph's
            name=agent.name,
        )

    async def answer(self, question: str, language: Language) -> Draft:
        """The model's answer, grounded in what its tools found.

        Raises:
            ModelUnavailable: The model said nothing, or what may not leave, such as a
                figure that no tool had found (`ungrounded`, `unsafe_answer`).
            SourceUnavailable: Every tool call failed; so may other errors of the tools.
            ApprovalNeeded: A call waits for a person. The model's words are dropped: it may say
                that it is done.
            Exception: Whatever a provider raises, which is far more than its own errors.
        """
        prompt = self._agent.prompt
        system = SystemMessage(
            f"{prompt.render(language)}\n\n{ANSWER_LANGUAGE.render(language)}", additional_kwargs={"language": language}
        )
        messages: list[AnyMessage] = [system, HumanMessage(question)]
        with Budget.scope(self._limits):
            draft = await self._attempt(messages, question, language)
            refusal = draft.guard.violation(draft.text)
            if refusal in OutputGuard.MENDABLE:
                draft, refusal = await self._retry(draft, refusal, question, language)
        if refusal:
            raise ModelUnavailable("agent", Degraded.refused(draft.guard.block(refusal)))
        return draft

    @classmethod
    def correction(cls, refusal: str, unsupported: Sequence[str], language: Language) -> HumanMessage:
        """The message that asks once more, saying what was wrong: `language` or `ungrounded`."""
        if refusal == OutputGuard.LANGUAGE:
            return HumanMessage(WRONG_LANGUAGE.render(language))
        return HumanMessage(UNGROUNDED.render(language, unsupported=", ".join(unsupported[: cls.MAX_NAMED])))

    async def _retry(self, draft: Draft, refusal: str, question: str, language: Language) -> tuple[Draft, str | None]:
        """A second attempt in the same limits, and why it is refused too; else the first one."""
        correction = self.correction(refusal, draft.guard.unsupported(draft.text), language)
        try:
            second = await self._attempt([*draft.messages, correction], question, language)
        except Exception as failure:  # noqa: BLE001 - a model may fail in every way: see `answer`
            log.warning("correction_failed", error=type(failure).__name__)
            return draft, refusal
        if (again := second.guard.violation(second.text)) is None:
            OutputGuard.corrected(refusal, "agent")
        return second, again

    async def _attempt(self, messages: Sequence[AnyMessage], question: str, language: Language) -> Draft:
        """The loop's answer to `messages`."""
        result = await self._loop.ainvoke(
            InputAgentState(messages=[*messages]),
            RunnableConfig(metadata={**self._agent.prompt.metadata}, recursion_limit=self._steps),
        )
        results = [m for m in result["messages"] if isinstance(m, ToolMessage)]
        findings = [m.artifact for m in results if isinstance(m.artifact, ToolResult)]
        failures = [m.artifact for m in results if isinstance(m.artifact, ServiceError)]
        if any(isinstance(it, ApprovalNeeded) for it in failures):
            raise ApprovalNeeded(findings)
        if failures and not findings:
            raise failures[0]
        text = str(result["messages"][-1].text).strip()
        if not text:
            raise ModelUnavailable("agent", "said nothing")
        if not findings:  # from memory
            AuditLog.record("grounding", "withheld", "no tool")
            raise ModelUnavailable("agent", Degraded.UNGROUNDED)
        guard = OutputGuard(
            self._outgoing,
            question,
            [finding.facts for finding in findings],
            [source["url"] for finding in findings for source in finding.sources],
            said=self._known_texts(findings, language),
            language=language,
        )
        return Draft(guard.masked(text), findings, failures, result["messages"], guard)

    def _known_texts(self, findings: Sequence[ToolResult], language: Language) -> Iterator[str]:
        """Texts from which an answer may have names, beside the facts."""
        yield from (source["title"] for finding in findings for source in finding.sources)
        yield from self._agent.description.values()
        yield from self._agent.prompt.text.values()
        try:
            yield self._agent.render(findings, language)
        except Exception as failure:  # noqa: BLE001 - a user's code, for other calls than its own
            log.info("own_words_unknown", error=type(failure).__name__)
