"""The two bindings, JSON-RPC and HTTP+JSON: the SDK's dispatchers behind a strict reading of bodies."""

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from types import MethodType
from typing import Any, cast

from a2a.server.context import ServerCallContext
from a2a.server.jsonrpc_models import JSONParseError as RPCParseError
from a2a.server.jsonrpc_models import JSONRPCError
from a2a.server.request_handlers import RequestHandler
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.server.routes import create_rest_routes
from a2a.server.routes.common import ServerCallContextBuilder
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import A2AError, InvalidRequestError, JSONParseError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp, Receive
from starlette.types import Scope as Connection
from starlette.types import Send

from ...http.endpoint import ASGIRoute
from ...http.failures import Failure
from ...http.gateway import Gateway
from ...http.routes import ReadBody, StrictRequest
from .caller import Caller
from .errors import A2AErrors


class CallContexts(ServerCallContextBuilder):
    """Hands the caller of a request to the handler."""

    def __init__(self, gateway: Callable[[Request], Gateway]) -> None:
        self._gateway = gateway

    def build(self, request: Request) -> ServerCallContext:
        """What the SDK hands on, its version header among the headers."""
        headers = dict(request.headers)
        state = request.state
        key = headers.get("idempotency-key")
        shutdown = request.app.state.running.shutdown
        caller = Caller(state.principal, self._gateway(request), state.request_id, key, shutdown)
        return ServerCallContext(state={"headers": headers, Caller.KEY: caller})


class Binding(ABC):
    """One way to call; bodies are JSON by the letter and say so, whatever the SDK would read."""

    def __init__(self, handler: RequestHandler, contexts: ServerCallContextBuilder, grace_seconds: float) -> None:
        """Streams are cut `grace_seconds` after the server begins to end: what runs has ended before, and told it."""
        self._handler = handler
        self._contexts = contexts
        self._grace_seconds = grace_seconds

    @abstractmethod
    def routes(self, path: str) -> Sequence[ASGIRoute]:
        """Its routes at or below `path`."""

    @abstractmethod
    def told(self, error: A2AError) -> dict[str, Any]:
        """`error` as a document."""

    @abstractmethod
    def refusal(self, error: A2AError) -> Response:
        """The answer that is `error`."""

    def written(self, failure: Failure) -> tuple[bytes, str]:
        """What is refused before it gets here; status and headers are HTTP's own."""
        told = self.told(A2AErrors.of_failure(failure))
        if isinstance(told["error"].get("status"), str):  # google.rpc.Status tells HTTP's too
            told["error"]["code"] = failure.status.value
        return json.dumps(told).encode(), "application/json"

    def _strict(self, app: ASGIApp) -> ASGIApp:
        async def answer(scope: Connection, receive: Receive, send: Send) -> None:
            read = await ReadBody.of(scope, receive)
            if scope["method"] != "POST" or not read.body:
                await app(scope, read.receive, send)
                return
            try:
                is_object = isinstance(StrictRequest.loads(read.body), dict)
            except json.JSONDecodeError:
                await self.refusal(JSONParseError())(scope, receive, send)
                return
            if not is_object:
                await self.refusal(InvalidRequestError("Send one object; there are no batches."))(scope, receive, send)
                return
            await app(scope, read.receive, send)

        return answer


class JSONRPC(Binding):
    """Calls at one path, named in the body."""

    def routes(self, path: str) -> Sequence[ASGIRoute]:
        """With and without a slash at the end: clients write both."""
        dispatcher = Dispatcher(self._handler, self._contexts, shutdown_grace_period=self._grace_seconds)
        app = self._strict(request_response(dispatcher.handle_requests))
        return [ASGIRoute(it, app, ["POST"]) for it in (path, f"{path}/")]

    def told(self, error: A2AError) -> dict[str, Any]:
        """A JSON-RPC error."""
        # The SDK (1.3) has no form for its own error.
        return build_error_response(None, RPCParseError() if isinstance(error, JSONParseError) else error)

    def refusal(self, error: A2AError) -> Response:
        """JSON-RPC's errors have status 200."""
        return JSONResponse(self.told(error))


class Dispatcher(JsonRpcDispatcher):
    """The SDK's, which would tell the text of exceptions."""

    def _generate_error_response(
        self, request_id: str | int | None, error: Exception | JSONRPCError | A2AError
    ) -> JSONResponse:
        return JSONResponse(build_error_response(request_id, A2AErrors.of_sdk(error)))


class REST(Binding):
    """A path and method for each call, and HTTP's status."""

    def routes(self, path: str) -> Sequence[ASGIRoute]:
        """The SDK's, without its mount at the root, which would take any path of two parts."""
        routes = create_rest_routes(
            self._handler, self._contexts, path_prefix=path, shutdown_grace_period=self._grace_seconds
        )
        return [
            ASGIRoute(it.path, self._strict(self._told_by_us(it)), (it.methods or set()) - {"HEAD"})
            for it in routes
            if isinstance(it, Route)
        ]

    def _told_by_us(self, route: Route) -> ASGIApp:
        """What answers `route`, its errors told here: inside of the SDK's decorators, which show exceptions."""
        endpoint: Any = route.endpoint
        method = MethodType(inspect.unwrap(endpoint.__func__), endpoint.__self__)
        answer = cast(Callable[[Request], Awaitable[Response]], method)

        async def answer_or_refusal(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:  # noqa: BLE001  # told in the protocol's words
                return self.refusal(A2AErrors.of(error, request.state.request_id))

        return request_response(answer_or_refusal)

    def told(self, error: A2AError) -> dict[str, Any]:
        """A `google.rpc.Status`."""
        if isinstance(error, JSONParseError):
            error = InvalidRequestError(error.message)
        return build_rest_error_payload(error)

    def refusal(self, error: A2AError) -> Response:
        """With the status that the specification gives the error."""
        told = self.told(error)
        return JSONResponse(told, told["error"]["code"])
