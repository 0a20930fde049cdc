"""An agent that is a compiled LangGraph: a graph of one's own, or one that a flow builds of agents."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from langgraph.pregel import Pregel

from ..errors import ModelUnavailable
from ..guards.injection_guard import InjectionGuard
from ..guards.output import GroundingLevel
from ..prompts.language import LANGUAGES, Language, Text
from ..prompts.prompt import Prompt
from ..settings import Configuration
from ..sources.resources import SourceConnections
from .agent import Agent, ToolCall, ToolResult
from .graph_ports import GraphPorts
from .graph_runner import GraphRunner


class GraphAgent(Agent[Configuration]):
    """Answers by its graph. Made by `Agent.from_graph`, `OwnGraph`, `Supervisor` and `Handoffs`."""

    graph: ClassVar[Pregel[Any, Any, Any, Any]]
    ports: ClassVar[GraphPorts] = GraphPorts()
    prompt = Prompt(name="graph", version="1", text=dict.fromkeys(LANGUAGES, ""))

    def __init__(  # type: ignore[misc] # its tools stand in policies of their own
        self, connectors: SourceConnections, guard: InjectionGuard | None = None
    ) -> None:
        """Look through the graph.

        Raises:
            ConfigurationError: A tool in it stands in no policy, or a port is no key of its state.
        """
        self.check_grounding()
        self.settings = self.settings_class()
        self.toolset = ()
        self.runner = GraphRunner(self.name, self.graph, self.ports)

    def plan_without_model(self, question: str, language: Language) -> Sequence[ToolCall]:
        """Without a model nobody knows what the graph would do.

        Raises:
            ModelUnavailable: Always.
        """
        raise ModelUnavailable("agent", "a graph of one's own has no answer without a model")

    def render(self, findings: Sequence[ToolResult], language: Language) -> str:
        """Nothing: the graph writes."""
        return ""

    @classmethod
    def of(
        cls,
        graph: Pregel[Any, Any, Any, Any],
        *,
        name: str,
        description: str | Text,
        ports: GraphPorts,
        grounding: GroundingLevel = "facts",
        module: str = "",
    ) -> type["GraphAgent"]:
        """A class of agents that answer by `graph`."""
        parts = {
            "name": name,
            "description": description,
            "graph": graph,
            "ports": ports,
            "grounding": grounding,
            "__module__": module or sys._getframe(2).f_globals["__name__"],  # noqa: SLF001 - as namedtuple does
            "__doc__": f"The graph {name}.",
        }
        return type(f"{name.title()}Graph", (cls,), parts)
