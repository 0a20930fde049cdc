"""`mcp pin`: writes down what servers say of the tools that agents take from them, and shows what has changed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from ..application import Application
from ..errors import ConfigurationError
from ..guards.injection_guard import InjectionGuard
from ..runtime.mcp_tools import DeclaredServer, MCPTools
from ..settings import Settings
from ..sources.mcp.pins import PinnedTool, Pins
from ..sources.mcp.server import MCPServer
from ..sources.resources import SourceConnections


@dataclass(frozen=True)
class PinTools:
    """Asks the servers of all agents, or one. What it writes is for a person to read, and to commit."""

    server: str | None = None
    """Its name; None: all."""

    check: bool = False
    """Write nothing."""

    def run(self) -> int:
        """Show the differences and write them; 1 where a tool is missing, or with `check` where one differs.

        Raises:
            ConfigurationError: The application cannot be built, or no agent declares the server.
            SourceUnavailable: A server gives no list.
        """
        settings = Settings(use_fake_data=False)
        return asyncio.run(self._run(settings))

    async def _run(self, settings: Settings) -> int:
        connections = SourceConnections(settings)
        try:
            declared = self._declared(connections)
            lists = {it.server: await connections.mcp(it.server, it.policy).offered() for it in declared}
        finally:
            await connections.aclose()
        granted = {server: self._granted(declared, server) for server in lists}
        faults = [self._pin(server, offered, granted[server]) for server, offered in lists.items()]
        offered_names = {tool.name for offered in lists.values() for tool in offered}
        for name in sorted(set().union(*granted.values()) - offered_names):
            print(f"{name}: a policy names it, and no server has it")
            faults.append(self.server is None)
        return int(any(faults))

    def _declared(self, connections: SourceConnections) -> Sequence[DeclaredServer]:
        """What the agents, and graphs of one's own, declare."""
        with MCPTools.review() as declared:
            application = Application.load()
            for agent in application.flow.workers(application.agents):
                agent(connections)
        names = sorted({it.server.name for it in declared})
        if not names:
            raise ConfigurationError(["no agent has an MCPServer(...) among its tools"])
        if self.server and self.server not in names:
            problem = f"no agent has MCPServer({self.server!r}, ...) among its tools; there are: {', '.join(names)}"
            raise ConfigurationError([problem])
        if len({it.server for it in declared}) > len(names):
            raise ConfigurationError(["MCPServer: two of one name are not the same; give each a name of its own"])
        return [it for it in declared if self.server in (None, it.server.name)]

    @staticmethod
    def _granted(declared: Sequence[DeclaredServer], server: MCPServer) -> set[str]:
        return {name for it in declared if it.server == server for name in it.names}

    def _pin(self, server: MCPServer, offered: Sequence[PinnedTool], granted: set[str]) -> bool:
        """Show one server, and write its file; True where something is to be done."""
        pins = Pins(server.name)
        taken = {tool.name: tool for tool in offered if tool.name in granted}
        before, after = pins.text(), Pins.written(taken.values())
        print(f"{server.name}: {pins.place} " + ("is as the server says" if before == after else "differs:"))
        for line in unified_diff(before.splitlines(), after.splitlines(), "reviewed", "the server now", lineterm=""):
            print(f"  {line}")
        for line in self._notes(taken, offered):
            print(f"  {line}")
        if before != after and not self.check:
            pins.save(after)
            print("  written: read it, then commit it")
        return self.check and before != after

    @staticmethod
    def _notes(taken: Mapping[str, PinnedTool], offered: Sequence[PinnedTool]) -> Iterator[str]:
        guard = InjectionGuard()
        for name, tool in taken.items():
            if guard.by_rules(Pins.written([tool])):
                yield f"{name}: what it says reads like an instruction to a model; do not take it unread"
        if others := sorted(tool.name for tool in offered if tool.name not in taken and tool.name.isprintable()):
            yield f"not taken, as no policy names them: {', '.join(others)}"
