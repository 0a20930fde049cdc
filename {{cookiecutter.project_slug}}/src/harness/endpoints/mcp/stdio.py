"""`mcp`: the same tools for a client that starts this process and talks to it over a pipe."""

import asyncio

from mcp.server.stdio import stdio_server

from ...application import Application
from ...http.state import AppState
from ...telemetry.logging import Logs
from .endpoint import MCPEndpoint
from .server import AgentServer


class ServeStdio:
    """Answers until the client closes the pipe. Whoever can start it may do all, as with `ask`; it logs to stderr."""

    def run(self) -> None:
        """Serve.

        Raises:
            ConfigurationError: The store cannot be opened, a model or an agent cannot be built.
        """
        asyncio.run(self._serve())

    @staticmethod
    async def _serve() -> None:
        application = Application.load()
        settings = application.settings()
        address = MCPEndpoint(application, settings).url("")
        async with (
            AppState.start(application, settings, Logs(settings).install()) as running,
            stdio_server() as (received, sent),
        ):
            server = AgentServer(running, address).server
            await server.run(received, sent, server.create_initialization_options())
