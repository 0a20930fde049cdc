"""A server of tools on loopback, made of the official SDK: real sockets, no network.

    with ToolServer() as server:
        server.describe("find_order", "Something else.")

Its list may change while it runs, and its results are what a test says.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self

import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from harness.sources.mcp.pins import PinnedTool, Pins

Call = Callable[[Mapping[str, Any]], Awaitable[types.CallToolResult]]

NUMBER: Mapping[str, Any] = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
ORDER: Mapping[str, Any] = {
    "type": "object",
    "properties": {"order": {"type": "integer"}, "state": {"type": "string"}, "note": {"type": "string"}},
    "required": ["order", "state"],
}


class _Announced(uvicorn.Server):
    """Says when it takes requests."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announced = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announced.set()


class ToolServer(AbstractContextManager["ToolServer"]):
    """Three tools: `find_order` and `list_shops` read, `cancel_order` writes."""

    HOST: ClassVar = "127.0.0.1"

    def __init__(self, port: int = 0, *, is_legacy: bool = False, key: str = "") -> None:
        """With `is_legacy` it knows the protocol before 2026 alone; with `key` it wants that bearer token."""
        self.tools: dict[str, dict[str, Any]] = {
            "find_order": {"description": "Find an order.", "inputSchema": dict(NUMBER), "outputSchema": dict(ORDER)},
            "list_shops": {"description": "List the shops.", "inputSchema": {"type": "object", "properties": {}}},
            "cancel_order": {"description": "Cancel an order.", "inputSchema": dict(NUMBER)},
        }
        self.results: dict[str, Call] = {}
        self.called: list[tuple[str, Mapping[str, Any]]] = []
        self.begun = threading.Event()
        """A tool that hangs has been called."""
        self.stopped = threading.Event()
        """It was cancelled."""
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        """Method and headers of each request."""
        self.is_endless = False
        """Each page of the list names another one."""
        self._is_legacy = is_legacy
        self._key = key
        self._socket = socket.create_server((self.HOST, port))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._started = threading.Event()

    @property
    def address(self) -> str:
        """The root of the server."""
        return f"http://{self.HOST}:{self._socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        """What an `MCPServer` wants."""
        return f"{self.address}/mcp"

    def pin(self, name: str = "shop") -> None:
        """Let a person have reviewed what it says now."""
        pins = Pins(name)
        pins.save(pins.written(PinnedTool.of({"name": it, **about}) for it, about in self.tools.items()))

    def describe(self, tool: str, description: str) -> None:
        """Say something else of a tool."""
        self.tools[tool] = {**self.tools[tool], "description": description}

    def give(self, tool: str, structured: Any = None, *texts: str, is_error: bool = False) -> None:
        """Let a tool bring this."""
        content: list[Any] = [types.TextContent(type="text", text=text) for text in texts]
        given = {} if structured is None else {"structured_content": structured}

        async def call(arguments: Mapping[str, Any]) -> types.CallToolResult:
            return types.CallToolResult(content=content, is_error=is_error, **given)

        self.results[tool] = call

    def hang(self, tool: str) -> None:
        """Let a tool never end by itself."""

        async def call(arguments: Mapping[str, Any]) -> types.CallToolResult:
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()
            raise AssertionError("nobody has stopped it")

        self.results[tool] = call

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(20), "the server of tools did not start"
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    async def _serve(self) -> None:
        inner: Any = Server("shop", version="1", on_list_tools=self._list, on_call_tool=self._call)
        self._app: Starlette = inner.streamable_http_app(stateless_http=not self._is_legacy)
        config = uvicorn.Config(self._answer, log_config=None, interface="asgi3", timeout_graceful_shutdown=1)
        self._server = _Announced(config, self._started)
        await self._server.serve([self._socket])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.requests.append((scope["method"], headers))
            if self._is_legacy and headers.get("mcp-protocol-version", "").startswith("2026"):
                await PlainTextResponse("unknown version", 400)(scope, receive, send)
                return
            if self._key and headers.get("authorization") != f"Bearer {self._key}":
                await PlainTextResponse("who are you?", 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _list(self, context: ServerRequestContext[Any, Any], params: Any) -> types.ListToolsResult:
        tools = [types.Tool.model_validate({"name": name, **it}) for name, it in self.tools.items()]
        return types.ListToolsResult(tools=tools, next_cursor="more" if self.is_endless else None)

    async def _call(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        self.called.append((params.name, arguments))
        if given := self.results.get(params.name):
            return await given(arguments)
        facts = {"order": arguments.get("number"), "state": "cancelled" if params.name == "cancel_order" else "open"}
        if params.name == "list_shops":
            facts = {"shops": ["Lisbon", "Bergen"]}
        return types.CallToolResult(content=[], structured_content=facts)
