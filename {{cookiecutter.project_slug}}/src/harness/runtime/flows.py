"""How the agents of a service work together: one of four flows, chosen in `src/app/flow.py`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.pregel import Pregel

from ..errors import ConfigurationError
from ..guards.output import GroundingLevel
from ..prompts.language import Text
from .agent import Agent
from .graph_agent import GraphAgent
from .graph_ports import GraphPorts, Reader


class Flow(ABC):
    """Which workers a service has, and whether a planner shares a message out among them."""

    has_planner: bool = False

    @abstractmethod
    def workers(self, agents: Sequence[type[Agent[Any]]]) -> Sequence[type[Agent[Any]]]:
        """The agents that a run may ask, made of the service's `agents`.

        Raises:
            ConfigurationError: The flow does not fit them.
        """


@dataclass(frozen=True)
class Parallel(Flow):
    """A planner shares the message out, agents work side by side, a writer makes one answer: the default.

    Take it where agents know different things and a message may ask for several of them.
    """

    has_planner = True

    def workers(self, agents: Sequence[type[Agent[Any]]]) -> Sequence[type[Agent[Any]]]:
        """All of them."""
        return agents


@dataclass(frozen=True)
class OwnGraph(Flow):
    """A compiled LangGraph of one's own answers every message, whatever its state is.

    `create_agent`, supervisors, swarms, functional entrypoints, deep agents, own states: as they are.
    """

    graph: Pregel[Any, Any, Any, Any]
    name: str = "own"
    """In `/v1/agents`, logs and metrics."""

    description: str | Text = "Answers every message."
    input: str | Callable[[str], Any] | None = None
    """A key of its state that takes the message, or a function of it; None: `messages`."""

    output: Reader | None = None
    """A key of its state that holds the answer, or a function of it; None: the last message."""

    evidence: Sequence[str] = ()
    """Keys of its state with what its nodes found without a tool."""

    writers: Collection[str] = ()
    """Nodes whose words are the answer, where others talk too, such as a critic."""

    has_memory: bool | None = None
    """Whether its state lasts from message to message; None: where it has `messages` or brought a saver."""

    grounding: GroundingLevel = "facts"

    def workers(self, agents: Sequence[type[Agent[Any]]]) -> Sequence[type[Agent[Any]]]:
        """The graph alone."""
        graph: object = self.graph
        if not isinstance(graph, Pregel):
            kind = type(graph).__name__
            raise ConfigurationError([f"src/app/flow.py: OwnGraph wants a compiled graph, not {kind}: call .compile()"])
        ports = GraphPorts(self.input, self.output, self.evidence, self.writers, self.has_memory)
        return [
            GraphAgent.of(
                self.graph,
                name=self.name,
                description=self.description,
                ports=ports,
                grounding=self.grounding,
                module=__name__,
            )
        ]
