"""The flows whose graph is built of the service's agents: a supervisor, and handoffs; of LangChain's own pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool
from langchain_core.tools import tool as as_tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.pregel import Pregel
from langgraph.types import Command

from ..errors import ClarificationNeeded, ConfigurationError
from ..guards.injection_guard import InjectionGuard
from ..guards.output import GroundingLevel
from ..guards.tool_policy import ToolPolicy
from ..prompts.language import Language
from ..prompts.prompt import Prompt
from ..prompts.shared import SUPERVISOR
from ..settings import Configuration
from ..sources.policy import Policy
from ..sources.resources import SourceConnections
from .agent import Agent, ToolResult
from .flow_scripts import MemberScript, SupervisorScript
from .flows import Flow
from .graph_agent import GraphAgent
from .graph_model import FactoryModel
from .graph_ports import GraphPorts
from .graph_runner import GraphRunner
from .guarded_tools import GuardedTool, tools
from .planner import RulesPlanner
from .state import TaskResults

Members = Sequence[Agent[Any]]


class FlowAgent(GraphAgent):
    """The graph of several agents. Without a model, the agents that the rules find answer one after the other."""

    MAX_TASKS: ClassVar = 4
    """Agents that answer one message without a model; a guess."""

    members: ClassVar[Sequence[type[Agent[Any]]]]

    def __init__(  # type: ignore[misc] # as `GraphAgent`
        self, connectors: SourceConnections, guard: InjectionGuard | None = None
    ) -> None:
        """Build the members and their graph.

        Raises:
            ConfigurationError: A member cannot be built.
        """
        self.settings = Configuration()
        self.toolset = ()
        self._members = [member(connectors, guard) for member in self.members]
        self.rules = RulesPlanner(self._members, self.MAX_TASKS)
        self.prompts = [*(member.prompt for member in self._members), SUPERVISOR]
        self.runner = GraphRunner(self.name, self.build(self._members), self.ports)

    def build(self, members: Members) -> Pregel[Any, Any, Any, Any]:
        """The graph of `members`."""
        raise NotImplementedError

    async def answer_without_model(  # type: ignore[misc] # the members' answers
        self, question: str, language: Language
    ) -> tuple[str, list[ToolResult]]:
        """The answers of the agents that the rules find, and what others of them ask back.

        Raises:
            ClarificationNeeded: No agent is for it, or none found anything.
        """
        plan = self.rules.plan(question, language, ())
        if plan["verdict"] != "work":
            raise ClarificationNeeded(plan["text"])
        by_name = {member.name: member for member in self._members}
        texts: list[str] = []
        findings: list[ToolResult] = []
        for task in plan["tasks"]:
            try:
                text, found = await by_name[task["agent"]].answer_without_model(task["question"], language)
            except ClarificationNeeded as needed:
                text, found = needed.question, []
            texts.append(text)
            findings += found
        if not findings:
            raise ClarificationNeeded(TaskResults.SEPARATOR.join(texts))
        return TaskResults.SEPARATOR.join(texts), findings


class SupervisorAgent(FlowAgent):
    """A model that asks agents as tools, turn by turn, and sums up."""

    instructions: ClassVar[Prompt] = SUPERVISOR

    def build(self, members: Members) -> Pregel[Any, Any, Any, Any]:
        """One agent around the others."""
        asks = [self._ask_tool(member) for member in members]
        policy = Policy(tools=frozenset(it.name for it in asks))
        model = FactoryModel(role="agent", script=SupervisorScript(self.rules))
        prompt = FlowTools.system(self.instructions)
        return create_agent(model, tools(*asks, policy=policy, agent=self.name), system_prompt=prompt, name=self.name)

    @staticmethod
    def _ask_tool(member: Agent[Any]) -> BaseTool:
        runner = member.runner if isinstance(member, GraphAgent) else FlowTools.runner(member)

        async def ask(request: str) -> str:
            return await runner.ask(request)

        about = " ".join(dict.fromkeys(member.description.values()))
        return StructuredTool.from_function(coroutine=ask, name=f"ask_{member.name}", description=about)


class HandoffsAgent(FlowAgent):
    """One agent holds the conversation and hands it on; who holds it survives the turn."""

    start: ClassVar[str] = ""
    ports = GraphPorts(has_memory=True)

    def build(self, members: Members) -> Pregel[Any, Any, Any, Any]:
        """A node for each agent; the state says whose turn it is."""
        if graphs := [member.name for member in members if isinstance(member, GraphAgent)]:
            problem = f"{', '.join(graphs)} cannot hand a conversation on: take Supervisor or Parallel for graphs"
            raise ConfigurationError([f"src/app/flow.py: Handoffs: {problem}"])
        names = [member.name for member in members]
        first = self.start or names[0]
        builder = StateGraph(Conversation)
        for member in members:
            others = [it for it in members if it is not member]
            handoffs = [FlowTools.handoff(it, self.name) for it in others]
            script = MemberScript(member, self.rules)
            builder.add_node(
                member.name, FlowTools.graph(member, handoffs, script), destinations=tuple(it.name for it in others)
            )
        builder.add_conditional_edges(START, lambda state: state.get("active") or first, names)
        return builder.compile()


class Conversation(MessagesState):
    """The state of handoffs."""

    active: str
    """The agent who holds the conversation."""


class FlowTools:
    """What the graphs of agents are made of."""

    @classmethod
    def graph(cls, member: Agent[Any], more: Sequence[BaseTool], script: Any = None) -> Any:
        """An agent of LangChain's with the member's prompt, and its tools inside of its policy."""
        model = FactoryModel(role="agent", script=script or MemberScript(member))
        own = [cls._guarded(method, member) for method in member.bare_tools]
        offered = [it for it in own if member.rights.allows(it.name)]
        return create_agent(model, [*offered, *more], system_prompt=cls.system(member.prompt), name=member.name)

    @classmethod
    def runner(cls, member: Agent[Any]) -> GraphRunner:
        """What asks the member's own graph."""
        return GraphRunner(member.name, cls.graph(member, ()), GraphPorts())

    @staticmethod
    def system(prompt: Prompt) -> str:
        """The prompt's text in the first language; a model answers in the user's all the same."""
        return next(iter(prompt.text.values()))

    @staticmethod
    def _guarded(method: Any, member: Agent[Any]) -> BaseTool:
        inner = method if isinstance(method, BaseTool) else as_tool(method)
        return GuardedTool.around(inner, member.rights, member.name)

    @staticmethod
    def handoff(to: Agent[Any], flow: str) -> BaseTool:
        """The tool that gives the conversation to another agent."""

        async def hand_over(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[str]:
            note = ToolMessage(f"{to.name} goes on", tool_call_id=tool_call_id)
            update = {"active": to.name, "messages": [note]}
            return Command(goto=to.name, graph=Command.PARENT, update=update)

        name = f"hand_to_{to.name}"
        about = f"Give the conversation to the agent for: {next(iter(to.description.values()))}"
        inner = StructuredTool.from_function(coroutine=hand_over, name=name, description=about)
        return GuardedTool.around(inner, ToolPolicy(flow, Policy(tools=frozenset({name})), [name]), flow)


@dataclass(frozen=True)
class _OfAgents(Flow):
    """A flow of the service's own agents."""

    name: str = "flow"
    description: str = ""
    grounding: GroundingLevel = "facts"

    def _made(
        self, base: type[FlowAgent], agents: Sequence[type[Agent[Any]]], **parts: Any
    ) -> Sequence[type[FlowAgent]]:
        if not agents:
            raise ConfigurationError(["src/app/agents: there is no agent; add one: make agent name=billing"])
        common = {
            "name": self.name,
            "description": self.description,
            "grounding": self.grounding,
            "members": tuple(agents),
            "__doc__": self.description,
        }
        return [type(base.__name__, (base,), common | parts)]


@dataclass(frozen=True)
class Supervisor(_OfAgents):
    """A model asks the agents as tools, turn by turn, and sums up.

    Take it where one agent's answer decides what the next is asked.
    """

    name: str = "supervisor"
    description: str = "Asks the other agents and sums up."
    grounding: GroundingLevel = "facts"
    prompt: Prompt = SUPERVISOR
    """Its instructions."""

    def workers(self, agents: Sequence[type[Agent[Any]]]) -> Sequence[type[Agent[Any]]]:
        """One: the supervisor."""
        return self._made(SupervisorAgent, agents, instructions=self.prompt)


@dataclass(frozen=True)
class Handoffs(_OfAgents):
    """One agent holds the conversation and hands it on; who holds it survives the turn.

    Take it where a conversation stays with one subject for a while.
    """

    start: str = ""
    """The agent that begins; empty: the first one."""

    name: str = "handoffs"
    description: str = "The agents hand the conversation to each other."
    grounding: GroundingLevel = "facts"

    def workers(self, agents: Sequence[type[Agent[Any]]]) -> Sequence[type[Agent[Any]]]:
        """One: the agents together.

        Raises:
            ConfigurationError: No agent is called `start`.
        """
        names = [agent.name for agent in agents]
        if self.start and self.start not in names:
            raise ConfigurationError([f"src/app/flow.py: start={self.start!r} is none of {', '.join(names)}"])
        return self._made(HandoffsAgent, agents, start=self.start)
