"""The work node: one agent on one task, with its model, or from its data alone."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import structlog
from langchain.agents import create_agent
from langchain.agents.middleware import (
    InputAgentState,
    ModelCallLimitMiddleware,
    ToolCallLimitMiddleware,
)
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer

from ..errors import AccessRefused, ModelUnavailable, NeedsDetail, ServiceError, SourceUnavailable
from ..guardrails.grounding import Grounding
from ..llm.factory import LLMFactory
from ..prompts.language import Language
from ..prompts.phrases import Phrases
from ..settings import Settings
from .contract import Agent, Finding
from .reply import Event
from .state import Outcome, State, Task
from .tool_failures import ToolFailures

log = structlog.get_logger(__name__)


class AgentScript:
    """What the embedded model says as an agent: the calls of its rules, then what they found."""

    def __init__(self, agent: Agent[Any]) -> None:
        self._agent = agent

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Tool calls for a question, the answer for their results."""
        language: Language = messages[0].additional_kwargs["language"]
        question = str(messages[1].content)
        results = [message for message in messages if isinstance(message, ToolMessage)]
        if results:
            findings = [m.artifact for m in results if isinstance(m.artifact, Finding)]
            complete = len(findings) == len(results)
            return AIMessage(self._agent.tell(findings, language) if complete else "")
        calls = self._agent.calls(question, language)
        return AIMessage(
            content="",
            tool_calls=[
                {"name": call.tool, "args": dict(call.arguments), "id": f"call_{at}"}
                for at, call in enumerate(calls)
            ],
        )


class Worker:
    """Runs the agent that a task names. A failure becomes an outcome, never an exception."""

    STEPS_PER_CALL = 6
    """Supersteps that one model call costs with its middleware and tools, rounded up."""

    def __init__(
        self, settings: Settings, factory: LLMFactory, agents: Sequence[Agent[Any]]
    ) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._steps = self.STEPS_PER_CALL * (settings.agent_max_model_calls + 1)
        self._runnables = {}
        for agent in () if factory.is_disabled else agents:
            self._runnables[agent.name] = create_agent(
                factory.for_role("agent", AgentScript(agent)),
                agent.tools,
                middleware=self._middleware(settings),
                checkpointer=False,  # the thread's memory is the outer graph's
                name=agent.name,
            )

    async def __call__(self, state: State) -> Mapping[str, Any]:
        """Write one outcome, and why it is a lesser one."""
        task, language = state["task"], state["language"]
        emit = get_stream_writer()
        started = perf_counter()
        with structlog.contextvars.bound_contextvars(agent=task["agent"]):
            emit(Event(event="agent_started", data={**task}))
            outcome, degraded = await self._outcome(task, language)
            if outcome["status"] == "asked" and state["before"]:
                outcome, degraded = await self._completed(task, state["before"], language)
            ms = round((perf_counter() - started) * 1000, 1)
            emit(
                Event(
                    event="agent_finished",
                    data={"agent": task["agent"], "status": outcome["status"], "ms": ms},
                )
            )
            log.info("agent_finished", status=outcome["status"], degraded=degraded, ms=ms)
        return {"outcomes": [outcome], "degraded": degraded}

    async def _completed(
        self, task: Task, before: str, language: Language
    ) -> tuple[Outcome, list[str]]:
        """The outcome of a follow-up such as "and tomorrow?", read with the question before it."""
        whole = Task(agent=task["agent"], question=f"{before} {task['question']}")
        outcome, degraded = await self._outcome(whole, language)
        return {**outcome, "question": task["question"]}, degraded

    async def _outcome(self, task: Task, language: Language) -> tuple[Outcome, list[str]]:
        degraded = []
        try:
            if task["agent"] in self._runnables:
                try:
                    text, findings = await self._ask_model(task, language)
                    return self._answered(task, text, findings), []
                except ModelUnavailable as failure:
                    log.warning("agent_without_model", reason=failure.reason)
                    degraded.append(failure.reason)
            agent = self._agents[task["agent"]]
            text, findings = await agent.basic_answer(task["question"], language)
            return self._answered(task, text, findings), degraded
        except NeedsDetail as needed:
            return self._without_answer(task, needed.question, "asked"), degraded
        except (SourceUnavailable, AccessRefused) as failure:
            log.warning("agent_without_source", reason=str(failure))
            reason = "source_unavailable"
        except Exception:
            # An agent is the user's code: its bug costs this part of the answer, not the rest.
            log.exception("agent_failed")
            reason = "agent_failed"
        text = Phrases.MISSING.say(language, question=task["question"])
        return self._without_answer(task, text, "missing"), [*degraded, reason]

    async def _ask_model(self, task: Task, language: Language) -> tuple[str, list[Finding]]:
        """The agent's answer by its model, grounded in what its tools found."""
        agent = self._agents[task["agent"]]
        system = SystemMessage(
            agent.prompt.render(language), additional_kwargs={"language": language}
        )
        messages: list[AnyMessage | dict[str, Any]] = [system, HumanMessage(task["question"])]
        try:
            result = await self._runnables[agent.name].ainvoke(
                InputAgentState(messages=messages),
                RunnableConfig(metadata={**agent.prompt.metadata}, recursion_limit=self._steps),
            )
        except (NeedsDetail, SourceUnavailable, AccessRefused):
            raise
        except Exception as failure:
            # Providers raise far more than their own errors; whatever a model does wrong, the
            # agent can still answer from its data.
            log.warning("model_failed", reason=type(failure).__name__)
            raise ModelUnavailable("agent", "model_unavailable") from failure
        results = [m for m in result["messages"] if isinstance(m, ToolMessage)]
        findings = [m.artifact for m in results if isinstance(m.artifact, Finding)]
        failures = [m.artifact for m in results if isinstance(m.artifact, ServiceError)]
        if failures and not findings:
            raise failures[0]
        text = str(result["messages"][-1].text).strip()
        if not text:
            raise ModelUnavailable("agent", "model_unavailable")
        grounding = Grounding([task["question"], [finding.facts for finding in findings]])
        if not findings or grounding.unsupported(text):  # from memory, or with a figure made up
            raise ModelUnavailable("agent", "ungrounded")
        return text, findings

    @staticmethod
    def _middleware(settings: Settings) -> list[Any]:
        return [
            ModelCallLimitMiddleware(
                run_limit=settings.agent_max_model_calls, exit_behavior="error"
            ),
            ToolCallLimitMiddleware(run_limit=settings.agent_max_tool_calls),
            ToolFailures(),
        ]

    @staticmethod
    def _answered(task: Task, text: str, findings: Sequence[Finding]) -> Outcome:
        return Outcome(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[dict(finding.facts) for finding in findings],
            sources=[source for finding in findings for source in finding.sources],
            status="answered",
        )

    @staticmethod
    def _without_answer(task: Task, text: str, status: Any) -> Outcome:
        return Outcome(
            agent=task["agent"],
            question=task["question"],
            text=text,
            facts=[],
            sources=[],
            status=status,
        )
