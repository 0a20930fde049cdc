"""`POST /mcp`: the Model Context Protocol over streamable HTTP, of 2026-07-28 and of before."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter
from pydantic import ValidationError
from sse_starlette.sse import AppStatus
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive
from starlette.types import Scope as Connection
from starlette.types import Send

from ...auth.principal import Scope
from ...http.endpoint import ASGIRoute, Endpoint
from ...http.failures import Failure
from ...http.problems import ErrorWriter
from ...http.routes import ReadBody, StrictRequest
from ...http.state import AppState
from .server import AgentServer
from .tools import Results


class MCPEndpoint(Endpoint):
    """Every request stands alone, so that any process answers it. GET would hold an idle stream: there is none."""

    name = AgentServer.NAME
    PATH: Final = "/mcp"
    METADATA: Final = f"/.well-known/oauth-protected-resource{PATH}"
    """Of RFC 9728."""

    request_headers = ("Last-Event-ID", "Mcp-Method", "Mcp-Name", "MCP-Protocol-Version", "Mcp-Session-Id")
    response_headers = ("Mcp-Session-Id",)

    _app: ASGIApp
    """Of the start that runs."""

    def routes(self) -> Sequence[BaseRoute]:
        """`/mcp`, and where tokens are accepted the document that says whose."""
        routes = [ASGIRoute(self.PATH, self._answer, ["POST"])]
        if self._has_provider:
            routes.append(ASGIRoute(self.METADATA, JSONResponse(self._metadata), ["GET"], scope=None))
        return routes

    @property
    def _has_provider(self) -> bool:
        return self.settings.authentication in ("oidc", "both")

    @property
    def _metadata(self) -> dict[str, Any]:
        """For clients that have no token yet (RFC 9728, section 2)."""
        return {
            "resource": self.url(self.PATH),
            "authorization_servers": [self.settings.oidc_issuer],
            "scopes_supported": [Scope.CHAT, Scope.APPROVE],
            "bearer_methods_supported": ["header"],
        }

    def public_paths(self) -> Collection[str]:
        """The metadata."""
        return [self.METADATA] if self._has_provider else []

    def challenges(self) -> Mapping[str, Mapping[str, str]]:
        """Where they are."""
        return {self.PATH: {"resource_metadata": self.url(self.METADATA), "scope": Scope.CHAT}}

    def error_writers(self) -> Mapping[str, ErrorWriter]:
        """Errors before the SDK has read anything, so that its clients show the text."""
        return {self.PATH: self._written}

    @staticmethod
    def _written(failure: Failure) -> tuple[bytes, str]:
        code = failure.words.mcp if failure.words.mcp != "tool" else "-32600"
        error = {"code": int(code), "message": failure.text, "data": Results.meta(failure)}
        return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error}), "application/json"

    async def _answer(self, scope: Connection, receive: Receive, send: Send) -> None:
        # Spaces around a value are no part of it (RFC 9110, section 5.5); httptools leaves those behind it.
        headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        scope = {**scope, "headers": headers}
        read = await ReadBody.of(scope, receive)
        refusal = self._refusal(read.body)
        await (refusal(scope, receive, send) if refusal else self._app(scope, read.receive, send))

    @staticmethod
    def _refusal(body: bytes) -> JSONResponse | None:
        """What is no message: told here, for the SDK (2.3) would tell the text of the exception."""
        try:
            jsonrpc_message_adapter.validate_python(StrictRequest.loads(body), by_name=False)
        except json.JSONDecodeError:
            error = {"code": PARSE_ERROR, "message": "The body is no JSON that can be read in one way only."}
        except ValidationError:
            error = {"code": INVALID_REQUEST, "message": "The body is no single message of JSON-RPC 2.0."}
        else:
            return None
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, HTTPStatus.BAD_REQUEST)

    @asynccontextmanager
    async def lifespan(self, running: AppState) -> AsyncIterator[None]:
        """A server of its own for each start: the SDK's manager runs once."""
        AppStatus.enable_automatic_graceful_drain = False  # it would cut streams; `RunStream` ends them in time
        agents = AgentServer(running, self.url(""))
        if self.settings.public_url:
            running.authenticator.accept_audience(self.url(self.PATH))
        manager = StreamableHTTPSessionManager(
            agents.server,
            stateless=True,
            security_settings=self._callers(),
            max_request_body_size=sys.maxsize,  # BODY_MAX_BYTES holds, and is told as every error is
        )
        self._app = agents.cancellation.around(manager.handle_request)
        started, over = asyncio.Event(), asyncio.Event()

        async def live() -> None:  # a task of its own: anyio's task groups end in the task that began them
            async with manager.run():
                started.set()
                await over.wait()

        task = asyncio.create_task(live())
        await started.wait()
        try:
            yield
        finally:
            over.set()
            await task

    def _callers(self) -> TransportSecuritySettings:
        """Hosts and origins that count: those of PUBLIC_URL and CORS_ORIGINS, and this machine's.

        Against web pages whose host name leads here (DNS rebinding). `*` of CORS_ORIGINS is no origin.
        """
        here = [name for host in self.settings.LOOPBACK for name in (host, f"{host}:*")]
        public = urlsplit(self.settings.public_url or "")
        ours = [public.netloc] if public.netloc else []
        origins = [f"{public.scheme}://{public.netloc}"] if ours else []
        return TransportSecuritySettings(
            allowed_hosts=[*here, *ours],
            allowed_origins=[*(f"http://{it}" for it in here), *origins, *self.settings.allowed_origins],
        )


ENDPOINT = MCPEndpoint
