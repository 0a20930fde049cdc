"""What a graph of one's own may not bring: said when the service starts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

import structlog
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from ..errors import ConfigurationError
from .graph_ports import MESSAGES, GraphPorts
from .guarded_tools import GUARDED

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GraphCheck:
    """Looks through one compiled graph."""

    name: str
    graph: Pregel[Any, Any, Any, Any]

    ANYBODY: ClassVar = "anybody"
    """`user_id` where callers have none."""

    def check(self, ports: GraphPorts) -> None:
        """Pass a graph that can run here, with its `ports`.

        Raises:
            ConfigurationError: A tool node in it has a tool that no policy names; a port is not a key of its
                state; nothing says where the message goes; or nobody can make its context.
        """
        problems = [*self._unguarded(self.graph)]
        for _, inner in self.graph.get_subgraphs(recurse=True):
            problems += self._unguarded(inner)
        problems += [*self._wrong_ports(ports), *self._wrong_context()]
        if problems:
            raise ConfigurationError([f"src/app/flow.py: {it}" for it in dict.fromkeys(problems)])

    @staticmethod
    def context(graph: Pregel[Any, Any, Any, Any], user_id: str, thread_id: str) -> Mapping[str, str] | None:
        """What its `context_schema` is made of: who asks and where, if it wants to know; the rest by default."""
        if graph.context_schema is None:
            return None
        known = {"user_id": user_id, "thread_id": thread_id}
        return {name: known[name] for name in known.keys() & get_type_hints(graph.context_schema).keys()}

    def _wrong_context(self) -> Iterator[str]:
        schema: Any = self.graph.context_schema
        try:
            if schema is not None:
                schema(**self.context(self.graph, "", "") or {})
        except (TypeError, ValueError) as wrong:
            yield f"context_schema of graph {self.name}: {wrong}; give its fields defaults"

    def _wrong_ports(self, ports: GraphPorts) -> Iterator[str]:
        keys = sorted(it for it in self.graph.channels if not it.startswith(("__", "branch:")))
        is_state = isinstance(self.graph, CompiledStateGraph)
        named = ", ".join(keys)
        if isinstance(ports.evidence, str) or isinstance(ports.writers, str):
            yield f'evidence and writers of graph {self.name} are lists: ["..."]'
            return
        given = [("input", ports.input), ("output", ports.output), *(("evidence", it) for it in ports.evidence)]
        for kind, port in given:
            if isinstance(port, str) and port not in self.graph.channels and port != GraphPorts.STRUCTURED:
                yield f"{kind}={port!r} is no key of the state of graph {self.name}, whose keys are {named}"
        if is_state and ports.input is None and MESSAGES not in keys:
            yield f"graph {self.name} has no `messages`: say which key takes the message, input=..., of {named}"
        if unknown := set(ports.writers) - self._nodes():
            log.warning("unknown_writers", graph=self.name, names=sorted(unknown), remedy="name nodes of the graph")

    def _nodes(self) -> set[str]:
        """Its nodes at any depth, as far as LangGraph sees them."""
        inner = [getattr(graph, "nodes", ()) for _, graph in self.graph.get_subgraphs(recurse=True)]
        return {name for nodes in (self.graph.nodes, *inner) for name in nodes}

    @staticmethod
    def _unguarded(graph: Any) -> Iterator[str]:
        if not isinstance(graph, CompiledStateGraph):
            return
        for node, spec in graph.nodes.items():
            bound: Any = spec.bound
            for part in (bound, *getattr(bound, "steps", ())):
                for name, tool in part.tools_by_name.items() if isinstance(part, ToolNode) else ():
                    if GUARDED not in (tool.tags or ()):
                        remedy = f"harness.tools({name}, policy=Policy(tools=[{name!r}]))"
                        yield f"node {node!r}: tool `{name}` stands in no policy; write {remedy}"
