"""How a route asks who calls, before anything of the request is read, and how it says so."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi import Request, Response

from ..auth.principal import Principal, Scope
from ..settings import Settings
from .state import AppState
from .strict_json import StrictRoute


class GuardedRoute(StrictRoute):
    """A route for callers who have its scope. Every route below `/v1` is one."""

    scope: ClassVar[Scope]

    @classmethod
    def needing(cls, scope: Scope) -> type["GuardedRoute"]:
        """Routes for callers with `scope`; what an `APIRouter` takes as `route_class`."""
        return type(f"{scope.title()}Route", (cls,), {"scope": scope})

    def __init__(self, *args: Any, **options: Any) -> None:
        """An `APIRoute`, whose scope is in the OpenAPI document."""
        extra = options.get("openapi_extra") or {}
        options["openapi_extra"] = {**extra, CallerDocs.SCOPE: self.scope.value}
        super().__init__(*args, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI calls with each request."""
        handle = super().get_route_handler()

        async def handle_admitted(request: Request) -> Response:
            running = AppState.from_request(request)
            await running.rates.address(request.client.host if request.client else None)
            principal = await running.doorkeeper.authenticate(request.headers, self.scope)
            told = await running.rates.caller(principal.owner)
            request.state.principal = principal
            response = await handle(request)
            response.headers.update(told)
            return response

        return handle_admitted


class Caller:
    """Who asks."""

    @staticmethod
    def from_request(request: Request) -> Principal:
        """The caller that a `GuardedRoute` has let in; any other route fails here."""
        principal: Principal = request.state.principal
        return principal


class CallerDocs:
    """How the OpenAPI document tells it; `/docs` shows a button for it."""

    SCOPE: Final = "x-required-scope"
    """Where an operation names its scope: OpenAPI itself has scopes for OAuth flows only."""

    BEARER: Final = "bearer"
    KEY: Final = "apiKey"

    @classmethod
    def describe(cls, document: dict[str, Any], settings: Settings) -> None:
        """Add the ways to identify oneself, each enough for every route that has a scope."""
        schemes = cls._schemes(settings)
        if not schemes:
            return
        document["components"]["securitySchemes"] = schemes
        for item in document["paths"].values():
            for operation in item.values():
                if cls.SCOPE in operation:
                    operation["security"] = [{name: []} for name in schemes]

    @classmethod
    def _schemes(cls, settings: Settings) -> dict[str, Any]:
        mode = settings.authentication
        if mode == "off":
            return {}
        sent = {
            "keys": "An API key",
            "oidc": "An access token",
            "both": "An API key or access token",
        }
        bearer = {
            "type": "http",
            "scheme": "bearer",
            "description": f"{sent[mode]} of this service.",
        }
        if mode == "oidc":
            return {cls.BEARER: bearer}
        key = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        return {cls.BEARER: bearer, cls.KEY: key}
