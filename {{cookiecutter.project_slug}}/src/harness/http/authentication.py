"""Nobody is let in unless the path is listed as open: known by key or token before the body is read."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from starlette.datastructures import Headers, MutableHeaders
from starlette.status import WS_1008_POLICY_VIOLATION
from starlette.types import ASGIApp, Message, Receive
from starlette.types import Scope as Connection
from starlette.types import Send
from starlette.websockets import WebSocketClose

from ..auth.authenticator import Authenticator
from ..auth.principal import Principal, Scope
from ..errors import ScopeMissing, ServiceError, Unauthenticated
from .problems import Problem
from .state import AppState

Identify = Callable[[Headers], Principal]
"""Who calls, by what a platform in front tells; raises Unauthenticated where it tells nobody."""


class AuthenticationMiddleware:
    """Counts the address, authenticates the caller, counts the caller; then a route may read on.

    In this order, and before anything of the body is read, for whatever is routed, mounted or nowhere: there is
    no other admission. The caller is `request.state.principal` from here on. The answer says what is left of the
    caller's rate.
    """

    PROBES: Final = frozenset({"/healthz", "/readyz", "/version"})
    DOCS: Final = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
    METRICS: Final = "/metrics"
    READING: Final = ("GET", "HEAD")
    """What is open on these paths: another method there may be an owner's."""

    def __init__(
        self,
        app: ASGIApp,
        open_paths: Iterable[str],
        metrics_open: bool,
        public_paths: Iterable[str] = (),
        challenges: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        *,
        identities: Mapping[str, Identify] = MappingProxyType({}),
    ) -> None:
        """Let everybody reach `open_paths` of the owner, and read `public_paths`, as often as an address may ask.

        `challenges`: path -> what a challenge there says more where tokens are accepted. `identities`: path -> who
        calls there, where AUTHENTICATION does not say it.
        """
        self._app = app
        self._open = frozenset(open_paths)
        self._public = frozenset(public_paths)
        self._challenges = challenges
        self._identities = identities
        self._unlimited = self.PROBES | self.DOCS | ({self.METRICS} if metrics_open else set())

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Let the request pass once it is known who calls.

        A refusal leaves here as an answer, so that an owner's middleware adds its headers to it (CORS).
        Nothing was read.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        running: AppState = scope["app"].state.running
        state = scope.setdefault("state", {})
        state.update(running.shared, settings=running.settings)
        path = scope["path"]
        if path in self._unlimited and scope.get("method") in self.READING:
            await self._app(scope, receive, send)
            return
        if running.authenticator.provider and (challenge := self._challenges.get(path)):
            send = self._challenging(send, challenge)
        try:
            left = await self._admit(scope, running)
        except ServiceError as refusal:
            if scope["type"] == "websocket":
                await WebSocketClose(WS_1008_POLICY_VIOLATION, refusal.detail)(scope, receive, send)
                return
            await Problem.answer(refusal, scope)(scope, receive, send)
            return

        async def send_with_rates(message: Message) -> None:
            if left and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(left)
            await send(message)

        await self._app(scope, receive, send_with_rates)

    async def _admit(self, scope: Connection, running: AppState) -> Mapping[str, str]:
        """Count the address; where the path is not open, name the caller in the state and give what is left of its rate.

        Raises:
            ServiceError: It may not pass.
        """
        client = scope.get("client")
        await running.limiter.count_address(client[0] if client else None)
        path = scope["path"]
        if path in self._open or (path in self._public and scope.get("method") in self.READING):
            return {}
        headers, identify = Headers(scope=scope), self._identities.get(path)
        principal = await running.authenticator.authenticate(headers, identify and partial(identify, headers))
        scope["state"]["principal"] = principal
        return await running.limiter.count_caller(principal.id)

    @staticmethod
    def _challenging(send: Send, challenge: Mapping[str, str]) -> Send:
        """Adds to the challenge of a refusal what it does not say."""

        async def send_challenge(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if told := headers.get("WWW-Authenticate"):
                    more = [f'{name}="{it}"' for name, it in challenge.items() if f"{name}=" not in told]
                    separator = ", " if "=" in told else " "
                    headers["WWW-Authenticate"] = separator.join([told, ", ".join(more)]) if more else told
            await send(message)

        return send_challenge


class RequiredScope:
    """What `requires(scope)` makes: the caller of this request, who has the scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Principal:
        """The caller. A coroutine, so that FastAPI starts no thread for it.

        Raises:
            Unauthenticated: The path is listed as open, so nobody was asked.
            ScopeMissing: The caller may not do this.
        """
        principal: Principal | None = getattr(request.state, "principal", None)
        if principal is None:
            raise Unauthenticated("open_path", has_credentials=False)
        try:
            principal.require_scope(self.scope)
        except ScopeMissing as refusal:
            Authenticator.record_refusal(refusal.code)
            raise
        return principal

    @classmethod
    def of_route(cls, dependant: Dependant) -> list["RequiredScope"]:
        """Those that a route, its router or its dependencies ask for."""
        own = [dependant.call] if isinstance(dependant.call, cls) else []
        return [*own, *(it for part in dependant.dependencies for it in cls.of_route(part))]


def requires(scope: Scope | str) -> Any:
    """Who calls, if they have `scope`.

    A parameter of a route says it: `caller: Annotated[Principal, requires("chat")]`.
    """
    return Depends(RequiredScope(Scope(scope)))
