"""Calls the tools of a server. Imported where an agent declares one: it needs the extra `mcp`."""

import asyncio
import logging
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TextIO, TypeVar, cast

import httpx2
import orjson
import structlog
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, EmbeddedResource, Implementation, ResourceLink, TextContent, TextResourceContents
from pydantic import ValidationError

from ...errors import PolicyViolation, SourceUnavailable
from ...limits.deadline import Deadline
from ...project import Project
from ...settings import Settings
from ..http import HttpClient, ResponseRejected
from ..policy import Method, Policy
from .pins import PinnedTool, Pins
from .server import MCPServer
from .transport import SessionTransport

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MCPResult:
    """What a tool of a server brought."""

    facts: Any
    """JSON values, a stranger's: nobody has looked through them yet."""

    links: Sequence[tuple[str, str]]
    """Title and address of what it points to."""


class MCPClient(HttpClient):
    """One server, inside of a policy: each call a session of its own, within DATA_TIMEOUT_SECONDS and the deadline.

    Before each call the server's list is read, and the tool held to its pin. So no state of a session outlives
    a call, and a change is seen by the next one, whichever process makes it. Connections are those of the pool.
    """

    MAX_PAGES: Final = 20
    """Of a server's list; a guess."""

    ERROR_CHARS: Final = 500
    """Of a tool's word on why it failed; a guess."""

    TALKATIVE: Final = ("mcp.client", "client")
    """Loggers of the SDK's that tell what a server sent."""

    def __init__(self, server: MCPServer, client: httpx2.AsyncClient, policy: Policy, settings: Settings) -> None:
        super().__init__(client, policy, settings)
        self._server = server
        self._is_fake = settings.use_fake_data
        for name in self.TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)

    async def call(self, tool: PinnedTool, arguments: Mapping[str, Any]) -> MCPResult:
        """What `tool` brings. Never tried twice, so it may write.

        Raises:
            PolicyViolation: The tool is not the one that was reviewed, or the server not in the policy.
            SourceUnavailable: No answer in time, or none that is the protocol's and the tool's.
        """

        async def work(client: Client) -> CallToolResult:
            if not await self._is_as_pinned(client, tool):
                remedy = f"it is not the one that was reviewed; look at it with `{Pins.COMMAND} {self._server.name}`"
                raise PolicyViolation("definition", remedy)
            return await client.call_tool(tool.name, dict(arguments))

        with self._watched("POST", self._server.url) as host:
            return self._result(host, tool.name, await self._in_session(host, work))

    async def offered(self) -> list[PinnedTool]:
        """The tools of the server's list, as it says now; raises as `call`."""
        with self._watched("POST", self._server.url) as host:
            return await self._in_session(host, self._listed)

    async def _is_as_pinned(self, client: Client, tool: PinnedTool) -> bool:
        digests = {it.digest for it in await self._listed(client) if it.name == tool.name}
        return digests == {tool.digest}

    async def _listed(self, client: Client) -> list[PinnedTool]:
        tools: list[PinnedTool] = []
        cursor = None
        for _ in range(self.MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += [PinnedTool.of(it.model_dump(mode="json", by_alias=True)) for it in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools
        raise ResponseRejected(f"its list has more than {self.MAX_PAGES} pages")

    async def _in_session(self, host: str, work: Callable[[Client], Awaitable[T]]) -> T:
        """What `work` brings, in a session of its own."""
        seconds = Deadline.clamp(self._timeout)
        keys = {name: key.get_secret_value() for name, key in self._policy.keys.get(host, {}).items()}
        transport = SessionTransport(self._client, self._server.url, keys, self._max_bytes, seconds)
        project = Project.load()
        about = Implementation(name=project.name, version=project.version)
        try:
            async with (
                asyncio.timeout(seconds),
                self._streams(transport) as streams,
                Client(streams, cache=None, client_info=about) as client,
            ):
                try:
                    return await work(client)
                finally:
                    transport.leave()
        except Exception as failure:  # noqa: BLE001 - a stranger's server, and an SDK between: anything may come
            raise self._failure(host, transport, failure) from None

    @asynccontextmanager
    async def _streams(self, transport: SessionTransport) -> AsyncIterator[Any]:
        """What the SDK's client talks through."""
        if not self._server.url:
            if self._is_fake:
                raise SourceUnavailable(self._server.host, "USE_FAKE_DATA is on: no program is started")
            program, *arguments = self._server.command
            nowhere = cast("TextIO", subprocess.DEVNULL)  # its words are no lines of our log
            yield stdio_client(StdioServerParameters(command=program, args=arguments), errlog=nowhere)
            return
        async with httpx2.AsyncClient(transport=transport, timeout=None) as http:
            yield streamable_http_client(self._server.url, http_client=http, max_sse_event_size=self._max_bytes)

    @staticmethod
    def _failure(host: str, transport: SessionTransport, failure: Exception) -> Exception:
        """Why there is no answer; never in the words of the server."""
        while isinstance(failure, ExceptionGroup):
            failure = failure.exceptions[0]
        failure = transport.refusal or failure
        match failure:
            case PolicyViolation() | SourceUnavailable():
                return failure
            case ResponseRejected():
                reason = str(failure)
            case TimeoutError():
                reason = "no whole answer before the deadline, or within DATA_TIMEOUT_SECONDS"
            case MCPError() if transport.status >= httpx2.codes.BAD_REQUEST:
                reason = f"HTTP {transport.status}"
            case MCPError():
                reason = f"its answer is an error, or no message of the protocol ({failure.error.code})"
            case ValidationError() | RuntimeError():
                reason = "its answer breaks the protocol, or the tool's output schema"
            case _:
                reason = type(failure).__name__
        return SourceUnavailable(host, reason)

    def _result(self, host: str, tool: str, result: CallToolResult) -> MCPResult:
        """Structured content, else the text: as JSON where it is JSON."""
        size = len(orjson.dumps(result.structured_content)) + sum(len(it) for it in self._texts(result))
        if size > self._max_bytes:  # a local server's answer comes through no transport of ours
            raise SourceUnavailable(host, f"larger than DATA_MAX_BYTES={self._max_bytes}")
        text = "\n".join(self._texts(result))
        if result.is_error:
            if tool in self._policy.requires_approval:  # no fact may read as if it were done
                raise SourceUnavailable(host, "the tool says that it failed")
            return MCPResult({"error": text[: self.ERROR_CHARS]}, ())
        links = [
            (it.title or it.name, str(it.uri))
            for it in result.content
            if isinstance(it, ResourceLink) and str(it.uri).startswith(("https://", "http://"))
        ]
        if result.structured_content is not None:
            return MCPResult(result.structured_content, links)
        if not text and not links:
            raise SourceUnavailable(host, "the result holds no text")
        try:
            return MCPResult(orjson.loads(text), links)
        except orjson.JSONDecodeError:
            return MCPResult(text, links)

    @staticmethod
    def _texts(result: CallToolResult) -> list[str]:
        """Its texts; pictures and sounds are not read."""
        texts = []
        for it in result.content:
            if isinstance(it, TextContent):
                texts.append(it.text)
            elif isinstance(it, EmbeddedResource) and isinstance(it.resource, TextResourceContents):
                texts.append(it.resource.text)
        return texts

    def _allowed_host(self, method: Method, url: str) -> str:
        """As for any source; a local server has no address. POST is what naming a server means."""
        return super()._allowed_host(method, url) if url else self._server.host
