"""What an endpoint is: the contract between the service and a further protocol that it speaks, and which are on."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, Final

import structlog
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive
from starlette.types import Scope as Connection
from starlette.types import Send

from ..auth.principal import Scope
from ..errors import ConfigurationError
from ..project import Extra
from ..settings import Configuration, Settings
from .authentication import Identify, RequiredScope
from .gateway import Gateway
from .problems import ErrorWriter
from .state import AppState

if TYPE_CHECKING:
    from ..application import Application

log = structlog.stdlib.get_logger(__name__)


class Endpoint(ABC):
    """One protocol: a package `endpoints/<name>`, whose `endpoint.ENDPOINT` is a class derived from this one.

    The package's `__init__.py` imports nothing. Its commands, if it has some, stand in its `commands.toml`
    (`cli/command.py`), and its settings in its `settings.py`, whose `SETTINGS` is a class derived from
    `Configuration`: so none of it is imported where it is off.

    The service promises: a request that reaches its routes is counted, within the limits of size and time of
    every request, and its caller is `request.state.principal`, except on its public paths; what a route raises
    is answered, logged and counted as everywhere (`Problem`), unless the endpoint does it in its own protocol.

    It owes: conversations are reached through `gateway` alone, which its `access.toml` grants; errors are
    told by `Failure` alone, never by `str(error)`; a run is read through `RunStream`; what it keeps of a
    conversation is a `Record`, deleted with the thread and by `retention` whether the endpoint is on or off.
    """

    name: ClassVar[str]
    """That of its package, and of its extra in `Extra.PACKAGES` if it needs one."""

    request_headers: ClassVar[Sequence[str]] = ()
    """What web pages may send to it beside the usual, where CORS_ORIGINS lets any call."""

    response_headers: ClassVar[Sequence[str]] = ()
    """What they may read of its answers beside the usual."""

    own_settings: Configuration
    """What it brings of settings, read once."""

    def __init__(self, application: "Application", settings: Settings) -> None:
        """Made with the application, before anything is started: nothing is opened here.

        Raises:
            ConfigurationError: The settings do not fit.
        """
        self.application = application
        self.settings = settings
        self.own_settings = settings.of_endpoints().get(self.name, Configuration)()

    @abstractmethod
    def routes(self) -> Sequence[APIRouter | BaseRoute]:
        """Its routes: routers of FastAPI's with `requires(...)`, and an `ASGIRoute` for each other application.

        Asked once; they find the started service by `state` of their request.
        """

    def url(self, path: str) -> str:
        """The address of `path` as callers have it: below PUBLIC_URL; without one, on this machine."""
        return f"{self.settings.public_url or self.settings.local_url}{path}"

    def public_paths(self) -> Collection[str]:
        """Exact paths that everybody may read (GET), such as an agent card. The rate by address holds."""
        return ()

    def challenges(self) -> Mapping[str, Mapping[str, str]]:
        """Path -> what WWW-Authenticate of a 401 or 403 there says more where tokens are accepted.

        Such as `{"/mcp": {"resource_metadata": "https://...", "scope": "chat"}}` (RFC 9728, section 5.1).
        """
        return {}

    def identities(self) -> Mapping[str, Identify]:
        """Exact path -> who calls there, where a platform in front has asked for the caller's proof; else AUTHENTICATION."""
        return {}

    def error_writers(self) -> Mapping[str, ErrorWriter]:
        """Path -> what writes the errors there, and below it, for callers who read no problem documents.

        Whatever is refused or fails, of admission, of HTTP itself, or in a route before its answer has begun.
        """
        return {}

    def body_max_bytes(self) -> Mapping[str, int]:
        """Exact path -> largest body there, bytes, where it is not BODY_MAX_BYTES."""
        return {}

    @asynccontextmanager
    async def lifespan(self, running: AppState) -> AsyncIterator[None]:
        """What it opens and closes around the time in which the service runs.

        May be entered again when it has ended. A task group of anyio's belongs into a task of its own.
        """
        yield

    def gateway(self, request: Request) -> Gateway:
        """Its way to conversations, from one of its routes."""
        running: AppState = request.app.state.running
        return running.gateway(self.name)


class ASGIRoute(Route):
    """A route whose endpoint is an ASGI application, such as an SDK's; the caller needs `scope` for it.

    Give its methods: another one is answered with 405. Mount no application: a `Mount` takes every path below it.
    """

    def __init__(self, path: str, app: ASGIApp, methods: Collection[str], scope: Scope | None = Scope.CHAT) -> None:
        """Without a scope it asks for none: for a public path."""
        super().__init__(path, _Scoped(app, scope) if scope else _Plain(app), methods=methods)
        self.scope = scope

    @classmethod
    def around(cls, route: BaseRoute, scope: Scope | None = Scope.CHAT) -> "ASGIRoute":
        """A route that an SDK has made, inside of ours."""
        if not isinstance(route, Route):
            raise TypeError(f"{route!r} is no single route")
        return cls(route.path, route.app, route.methods or (), scope)


class _Plain:
    """An application as an instance: Starlette takes a function for one of a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Scoped(_Plain):
    """Asks for the caller's scope first."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        super().__init__(app)
        self._required = RequiredScope(scope)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        await self._required(Request(scope))
        await super().__call__(scope, receive, send)


class Endpoints:
    """Those that ENDPOINTS switches on."""

    PACKAGE: Final = "harness.endpoints"

    def __init__(self, application: "Application", settings: Settings) -> None:
        """Import and make them.

        Raises:
            ConfigurationError: One is named that there is not, or whose extra is not installed.
        """
        present = [it.name for it in iter_modules(import_module(self.PACKAGE).__path__) if it.ispkg]
        named = settings.enabled_endpoints
        if unknown := [it for it in named or () if it not in present]:
            there = ", ".join(present) or "none"
            raise ConfigurationError([f"ENDPOINTS: there is no {', '.join(unknown)}; there are: {there}"])
        self._on: list[Endpoint] = []
        for name in present if named is None else named:
            if kind := self._imported(name, is_wanted=named is not None):
                self._on.append(kind(application, settings))

    @classmethod
    def _imported(cls, name: str, *, is_wanted: bool) -> type[Endpoint] | None:
        """The class of an endpoint; None where its extra is not installed, and nobody has named it."""
        try:
            kind: type[Endpoint] = import_module(f"{cls.PACKAGE}.{name}.endpoint").ENDPOINT
        except ModuleNotFoundError as missing:
            if name not in Extra.PACKAGES or (missing.name or "").startswith(cls.PACKAGE.partition(".")[0]):
                raise
            if is_wanted:
                raise ConfigurationError([f"ENDPOINTS={name}: {Extra.remedy(name)}"]) from None
            log.info("endpoint_left_out", endpoint=name, remedy=Extra.remedy(name))
            return None
        return kind

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._on)

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return [it.name for it in self]

    @property
    def public_paths(self) -> frozenset[str]:
        """What everybody may read."""
        return frozenset(path for it in self for path in it.public_paths())

    @property
    def challenges(self) -> Mapping[str, Mapping[str, str]]:
        """What WWW-Authenticate says more, by path."""
        return {path: told for it in self for path, told in it.challenges().items()}

    @property
    def identities(self) -> Mapping[str, Identify]:
        """Who calls, by path."""
        return {path: identify for it in self for path, identify in it.identities().items()}

    @property
    def error_writers(self) -> Mapping[str, ErrorWriter]:
        """What writes errors, by path."""
        return {path: write for it in self for path, write in it.error_writers().items()}

    @property
    def body_max_bytes(self) -> Mapping[str, int]:
        """Largest bodies, by path."""
        return {path: most for it in self for path, most in it.body_max_bytes().items()}

    def add(self, app: FastAPI) -> None:
        """Add their routes."""
        for part in (it for endpoint in self for it in endpoint.routes()):
            if isinstance(part, APIRouter):
                app.include_router(part)
            else:
                app.router.routes.append(part)

    @asynccontextmanager
    async def started(self, running: AppState) -> AsyncIterator[None]:
        """Open them, one after the other, around the block."""
        async with AsyncExitStack() as opened:
            for endpoint in self:
                await opened.enter_async_context(endpoint.lifespan(running))
            yield
