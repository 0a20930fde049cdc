"""``B``: what a prototype of the same agents looks like, with none of the hardening.

The same graph shape (plan, agents by ``create_agent`` side by side, answer), the project's own agents' tools and
prompts, and the same model that answers at once. No guard, limit, cache, deadline, log line, metric or grounding.
"""

import logging
import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

import structlog
from app.agents import AGENTS
from harness import Agent, ToolResult
from harness.models.rule_based import RuleBasedModel
from harness.prompts.language import Language, LanguageDetector
from harness.runtime.planner import RulesPlanner
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Overwrite, Send
from pydantic import BaseModel

# The connectors are the project's own; here nobody listens to what they log.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=True
)


class PlannedTask(BaseModel):
    """One part of the message for one agent."""

    agent: str
    question: str


class Plan(BaseModel):
    """Which agents work on which part of the message."""

    verdict: Literal["work", "clarify", "decline"]
    tasks: list[PlannedTask]
    text: str


class State(TypedDict, total=False):
    """One turn."""

    question: str
    language: Language
    tasks: list[dict[str, str]]
    task: dict[str, str]
    outcomes: Annotated[list[dict[str, Any]], operator.add]
    answer: str


class PlannerStub:
    """Says as planner what the project's rules say."""

    def __init__(self, rules: RulesPlanner) -> None:
        self._rules = rules

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """The plan as a call of the one schema that is bound."""
        plan = self._rules.plan(str(messages[1].content), messages[0].additional_kwargs["language"], [])
        return AIMessage(content="", tool_calls=[{"name": bound[0], "args": dict(plan), "id": "plan"}])


class AgentStub:
    """Says as an agent what its rules say: the calls, then what they found."""

    def __init__(self, agent: Agent[Any]) -> None:
        self._agent = agent

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Tool calls for a question, the answer for their results."""
        language: Language = messages[0].additional_kwargs["language"]
        findings = [message.artifact for message in messages if isinstance(message, ToolMessage)]
        if findings:
            return AIMessage(self._agent.render(findings, language))
        calls = self._agent.plan_without_model(str(messages[1].content), language)
        named = [{"name": c.tool, "args": dict(c.arguments), "id": f"call_{at}"} for at, c in enumerate(calls)]
        return AIMessage(content="", tool_calls=named)


class WriterStub:
    """Says as writer the agents' answers, one paragraph each."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """What stands after the question."""
        return AIMessage("\n\n".join(str(message.content) for message in messages[2:]))


class Prototype:
    """The three nodes."""

    def __init__(self) -> None:
        settings = Settings()
        connectors = SourceConnections(settings)
        agents = [agent(connectors) for agent in AGENTS]
        self._agents = {agent.name: agent for agent in agents}
        self._detector = LanguageDetector(settings.language)
        lines = {
            "en": "\n".join(f"{agent.name}: {agent.description['en']}" for agent in agents),
            "es": "\n".join(f"{agent.name}: {agent.description['es']}" for agent in agents),
        }
        self._planning = {
            language: f"Give each part of the message to an agent.\n{of}" for language, of in lines.items()
        }
        rules = RulesPlanner(agents, settings.plan_max_tasks)
        self._planner = RuleBasedModel(script=PlannerStub(rules)).with_structured_output(Plan)
        self._loops = {
            agent.name: create_agent(RuleBasedModel(script=AgentStub(agent)), agent.toolset) for agent in agents
        }
        self._writer = RuleBasedModel(script=WriterStub())

    async def plan(self, state: State) -> Mapping[str, Any]:
        language = self._detector.detect(state["question"])
        system = SystemMessage(self._planning[language], additional_kwargs={"language": language})
        plan = await self._planner.ainvoke([system, HumanMessage(state["question"])])
        assert isinstance(plan, Plan)
        tasks = [task.model_dump() for task in plan.tasks]
        return {"language": language, "tasks": tasks, "outcomes": Overwrite([]), "answer": plan.text}

    def spread(self, state: State) -> list[Send] | str:
        tasks = state["tasks"]
        return [Send("work", State(task=task, language=state["language"])) for task in tasks] or END

    async def work(self, state: State) -> Mapping[str, Any]:
        task, language = state["task"], state["language"]
        prompt = self._agents[task["agent"]].prompt.render(language)
        system = SystemMessage(prompt, additional_kwargs={"language": language})
        result = await self._loops[task["agent"]].ainvoke({"messages": [system, HumanMessage(task["question"])]})
        messages = result["messages"]
        findings = [m.artifact for m in messages if isinstance(m, ToolMessage) and isinstance(m.artifact, ToolResult)]
        sources = [source for finding in findings for source in finding.sources]
        return {"outcomes": [{"agent": task["agent"], "text": str(messages[-1].text), "sources": sources}]}

    async def answer(self, state: State) -> Mapping[str, Any]:
        texts = [outcome["text"] for outcome in state["outcomes"]]
        if len(texts) == 1:
            return {"answer": texts[0]}
        system = SystemMessage("Make one answer of these.")
        said = await self._writer.ainvoke([system, HumanMessage(state["question"]), *map(HumanMessage, texts)])
        return {"answer": str(said.text)}


def build(store: BaseCheckpointSaver[Any] | None) -> CompiledStateGraph[State, None, State, State]:
    prototype = Prototype()
    builder = StateGraph(State)
    builder.add_node("plan", prototype.plan)
    builder.add_node("work", prototype.work)
    builder.add_node("answer", prototype.answer)
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", prototype.spread, ["work", END])
    builder.add_edge("work", "answer")
    builder.add_edge("answer", END)
    return builder.compile(checkpointer=store)
