"""The tools of MCP servers, as an agent or a graph of one's own has them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.tools import BaseTool, StructuredTool

from ..errors import ConfigurationError
from ..run_context import RunContext
from ..sources.mcp.pins import PinnedTool, Pins
from ..sources.mcp.server import MCPServer
from ..sources.policy import Policy
from ..sources.resources import FakeSource, SourceConnections
from .tool_result import Source, ToolResult

if TYPE_CHECKING:
    from ..sources.mcp.client import MCPClient

Connections = Callable[[], SourceConnections]


@dataclass(frozen=True, slots=True)
class DeclaredServer:
    """A server, and the policy of who has its tools."""

    server: MCPServer
    policy: Policy
    others: frozenset[str]
    """Tools of the same policy that are no server's."""

    @property
    def names(self) -> frozenset[str]:
        """Tools that it may have."""
        return (self.policy.tools | self.policy.requires_approval) - self.others


class MCPTools:
    """Puts the tools that a policy names in the place of each server."""

    TAKEN: ClassVar = frozenset({"self", "config", "run_manager"})
    """Names of arguments that LangChain keeps for itself (1.5): a tool that has one would not get it."""

    def __init__(
        self, policy: Policy, connections: Connections | None = None, sample: FakeSource | None = None
    ) -> None:
        """Without `connections`, those of the run in which a tool is called."""
        self._policy = policy
        self._granted = policy.tools | policy.requires_approval
        self._connections = connections
        self._sample = sample

    def expanded(self, given: Iterable[Any]) -> list[Any]:
        """`given`, where the pinned tools of a server stand for it.

        Raises:
            ConfigurationError: A server has no pins or is not in the policy, or two have a tool of one name.
        """
        given = [*given]
        servers = [it for it in given if isinstance(it, MCPServer)]
        others = [it for it in given if not isinstance(it, MCPServer)]
        if not servers:
            return others
        there = frozenset(it.name if isinstance(it, BaseTool) else it.__name__ for it in others)
        if (review := _review.get()) is not None:
            review += [DeclaredServer(it, self._policy, there) for it in servers]
            return [*others, *(self._unseen(name) for name in sorted(self._granted - there))]
        import_module("..sources.mcp.client", __package__)  # takes a second: at start, and in no call
        pinned = [(server, tool) for server in servers for tool in self._pinned(server)]
        names = Counter(tool.name for _, tool in pinned)
        if twice := [name for name, number in names.items() if number > 1]:
            problem = f"{', '.join(twice)}: a tool of two servers; give the servers to two agents"
            raise ConfigurationError([f"MCPServer: {problem}"])
        if missing := sorted(self._granted - there - names.keys()):
            problem = (
                f"the policy names {', '.join(missing)}, which nobody has reviewed; {Pins.remedy()} writes it down"
            )
            raise ConfigurationError([f"MCPServer: {problem}, if a server has it"])
        return [*others, *(self._tool(server, tool) for server, tool in pinned)]

    @classmethod
    @contextmanager
    def review(cls) -> Iterator[list[DeclaredServer]]:
        """The servers that are declared inside of it; their tools are stand-ins that do nothing."""
        before = _review.set(declared := list[DeclaredServer]())
        try:
            yield declared
        finally:
            _review.reset(before)

    def _pinned(self, server: MCPServer) -> Sequence[PinnedTool]:
        if server.url and server.host not in self._policy.hosts:
            problem = f'its host stands in no policy; add "{server.host}" to its hosts'
            raise ConfigurationError([f"MCPServer({server.name!r}): {problem}"])
        pinned = [tool for name, tool in Pins(server.name).load().items() if name in self._granted]
        for tool in pinned:
            if taken := sorted(self.TAKEN & {*tool.schema.get("properties", {})}):
                problem = f"{tool.name}: its argument {taken[0]} cannot be passed on; take this tool out of the policy"
                raise ConfigurationError([f"MCPServer({server.name!r}): {problem}"])
        return pinned

    def _tool(self, server: MCPServer, pinned: PinnedTool) -> BaseTool:
        # Without a query: callers see it, and some servers want a key there.
        own = (server.title or server.name, server.url.partition("?")[0] or f"mcp:{server.name}")
        of_agent = self._client(server, self._connections()) if self._connections else None

        async def call(**arguments: Any) -> ToolResult:
            client = of_agent or self._client(server, self._of_run())
            result = await client.call(pinned, arguments)
            sources = [Source(title=title, url=url) for title, url in (own, *result.links)]
            return ToolResult(ToolResult.of(result.facts).facts, sources)

        return StructuredTool.from_function(
            coroutine=call, name=pinned.name, description=pinned.description, args_schema=pinned.schema
        )

    def _client(self, server: MCPServer, connections: SourceConnections) -> "MCPClient":
        return connections.mcp(server, self._policy, self._sample)

    @staticmethod
    def _unseen(name: str) -> BaseTool:
        return StructuredTool.from_function(lambda: "", name=name, description=name)

    @staticmethod
    def _of_run() -> SourceConnections:
        host = RunContext.current().host
        if host is None or host.connections is None:
            raise RuntimeError("tools of an MCPServer answer inside of a run")
        return host.connections


_review: ContextVar[list[DeclaredServer] | None] = ContextVar("mcp_review", default=None)
