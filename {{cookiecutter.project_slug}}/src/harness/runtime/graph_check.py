"""What a graph of one's own may not bring: said when the service starts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel

from ..errors import ConfigurationError
from .guarded_tools import GUARDED


@dataclass(frozen=True, slots=True)
class GraphCheck:
    """Looks through one compiled graph."""

    name: str
    graph: Pregel[Any, Any, Any, Any]

    def check(self, ports: Mapping[str, Any]) -> None:
        """Pass a graph that can run here, with its `input` and `output`.

        Raises:
            ConfigurationError: A tool node in it has a tool that no policy names; its input or output is
                not a key of its state; or nobody can make its context.
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

    def _wrong_ports(self, ports: Mapping[str, Any]) -> Iterator[str]:
        for kind, port in ports.items():
            if isinstance(port, str) and port not in self.graph.channels:
                keys = ", ".join(sorted(it for it in self.graph.channels if not it.startswith(("__", "branch:"))))
                yield f"{kind}={port!r} is no key of the state of graph {self.name}, whose keys are {keys}"

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
