"""How an agent reaches outside: one client, one folder and some tables, held to its policy."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar, Protocol

import httpx2

from ..errors import ConfigurationError, SourceUnavailable
from ..project import Project
from ..settings import Settings
from ..settings.network import OutgoingNetwork
from .addresses import SsrfSafeTransport
from .files import Folder
from .http import HttpClient
from .mcp.server import MCPServer
from .policy import Method, Policy
from .sql import Tables

if TYPE_CHECKING:
    from .mcp.client import MCPClient


class FakeSource(Protocol):
    """Answers a data source's requests in its own format when USE_FAKE_DATA is on.

    Give the same answer to the same request, so that tests and demonstrations repeat.
    """

    def __call__(self, request: httpx2.Request) -> httpx2.Response | Awaitable[httpx2.Response]:
        """The answer that the real source would give to `request`, with invented data."""
        ...


@dataclass(frozen=True, slots=True)
class AgentResources:
    """What one agent can reach. Everything that its policy does not name is refused."""

    http: HttpClient
    files: Folder
    tables: Tables
    is_sample: bool
    """True when `http` answers from the agent's sample."""

    SAMPLE_MARK: ClassVar = " (sample data)"

    def title(self, source: str) -> str:
        """`source` as an answer names it: sample data are called so."""
        return source + self.SAMPLE_MARK if self.is_sample else source


class SourceConnections:
    """The connections of one process: one pool and one TLS context for all agents."""

    def __init__(self, settings: Settings) -> None:
        """With USE_FAKE_DATA there is no pool at all, so nothing can leave."""
        self._settings = settings
        self._client = None if settings.use_fake_data else self._connected(settings)

    def for_policy(self, policy: Policy, sample: FakeSource | None) -> AgentResources:
        """The outside of an agent with `policy`; `sample` answers when USE_FAKE_DATA is on."""
        client = self._client or httpx2.AsyncClient(transport=self._fake(sample))
        return AgentResources(
            http=HttpClient(client, policy, self._settings),
            files=Folder(policy.folder, max_bytes=self._settings.data_max_bytes),
            tables=Tables(policy, self._settings),
            is_sample=self._client is None,
        )

    def mcp(self, server: MCPServer, policy: Policy, sample: FakeSource | None = None) -> "MCPClient":
        """The tools of `server` inside of `policy`, over the same pool; `sample` as in `for_policy`.

        Raises:
            ConfigurationError: It is a local program, and MCP_STDIO is off.
        """
        from .mcp.client import MCPClient  # noqa: PLC0415 - only where a server is declared

        if server.command and not self._settings.mcp_stdio:
            raise ConfigurationError([f"MCP_STDIO: set it to true, or MCPServer({server.name!r}) starts no program"])
        client = self._client or httpx2.AsyncClient(transport=self._fake(sample))
        return MCPClient(server, client, replace(policy, methods=frozenset[Method]({"POST"})), self._settings)

    async def aclose(self) -> None:
        """Close the pool."""
        if self._client is not None:
            await self._client.aclose()

    @staticmethod
    def _fake(sample: FakeSource | None) -> httpx2.MockTransport:
        """Hands requests to a sample where a socket would be opened."""

        async def handle(request: httpx2.Request) -> httpx2.Response:
            if sample is None:
                reason = "USE_FAKE_DATA is on and this agent has no sample"
                raise SourceUnavailable(request.url.host, reason)
            answer = sample(request)
            if isawaitable(answer):
                answer = await answer
            # Anew from its stream: an answer made in memory counts as read, ours is read in pieces.
            return httpx2.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

        return httpx2.MockTransport(handle)

    @staticmethod
    def _connected(settings: Settings) -> httpx2.AsyncClient:
        if problems := list(OutgoingNetwork.of_certificates()):
            raise ConfigurationError(problems)
        project = Project.load()
        transport = (
            httpx2.AsyncHTTPTransport(proxy=str(settings.data_proxy_url))
            if settings.data_proxy_url
            else SsrfSafeTransport(settings.private_hosts)
        )
        no_cookies = DefaultCookiePolicy(allowed_domains=[])
        return httpx2.AsyncClient(
            transport=transport,
            # `HttpClient` sets one deadline over the whole call: a read timeout would start anew
            # with every byte that a slow source drips.
            timeout=None,
            follow_redirects=False,
            # Shared by all agents: what one source sets must not reach another agent's request.
            cookies=CookieJar(no_cookies),
            headers={"User-Agent": f"{project.name}/{project.version}"},
        )
