"""The embedded model in the flows that are built of agents: as a supervisor, and as one agent of several."""

from collections.abc import Sequence
from typing import Any

import orjson
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from ..errors import ClarificationNeeded
from ..prompts.prompt import Prompt
from ..run_context import RunContext
from .agent import Agent, ToolResult
from .planner import RulesPlanner
from .state import TaskResults


class SupervisorScript:
    """The embedded model as supervisor: the rules' plan, then what the agents said."""

    def __init__(self, rules: RulesPlanner) -> None:
        self._rules = rules

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Calls of agents, or their answers one after the other.

        Raises:
            ClarificationNeeded: No agent is for it, or all that were asked have asked back or failed.
        """
        question, results = MemberScript.turn(messages)
        if results:
            text = TaskResults.SEPARATOR.join(map(MemberScript.text, results))
            if all(it.status == "error" for it in results):  # nothing was found that an answer could rest on
                raise ClarificationNeeded(text)
            return AIMessage(text)
        plan = self._rules.plan(question, RunContext.current().language, ())
        if plan["verdict"] != "work":
            raise ClarificationNeeded(plan["text"])
        tasks = enumerate(plan["tasks"])
        calls: Any = [
            {"name": f"ask_{it['agent']}", "args": {"request": it["question"]}, "id": f"call_{at}"} for at, it in tasks
        ]
        return AIMessage("", tool_calls=calls)


class MemberScript:
    """The embedded model as one agent of a flow: its own rules, or a handoff to the agent that the rules find."""

    def __init__(self, agent: Agent[Any], rules: RulesPlanner | None = None) -> None:
        self._agent = agent
        self._rules = rules

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """Tool calls for a question, the answer for their results; raises what `plan_without_model` raises."""
        language = RunContext.current().language
        question, results = self.turn(messages)
        if results:
            found = [ToolResult(orjson.loads(self.text(it))) for it in results]
            return AIMessage(self._agent.render(found, language))
        if self._rules:
            plan = self._rules.plan(question, language, ())
            names = [f"hand_to_{it['agent']}" for it in plan["tasks"]]
            if names and names[0] in bound:
                return AIMessage("", tool_calls=[{"name": names[0], "args": {}, "id": "handoff"}])
        calls: Any = [
            {"name": it.tool, "args": dict(it.arguments), "id": f"call_{at}"}
            for at, it in enumerate(self._agent.plan_without_model(question, language))
        ]
        return AIMessage("", tool_calls=calls)

    @staticmethod
    def turn(messages: Sequence[BaseMessage]) -> tuple[str, list[ToolMessage]]:
        """The newest question, and what tools have brought since, handoffs aside."""
        at = max(at for at, it in enumerate(messages) if it.type == "human")
        results = [it for it in messages[at:] if isinstance(it, ToolMessage)]
        return messages[at].text, [it for it in results if not (it.name or "hand_to_").startswith("hand_to_")]

    @staticmethod
    def text(result: ToolMessage) -> str:
        """What a tool brought, without the fence around it."""
        return Prompt.unfenced(result.text)
