"""The endpoint: its routes, and what the SDK must be told before it is imported."""

import logging
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.routing import BaseRoute

from ...http.endpoint import Endpoint
from ...http.problems import ErrorWriter
from ...http.state import AppState
from ...settings import Settings

# Read by the SDK when it is imported: its own spans would hold what was asked, and end in other tasks.
os.environ.setdefault("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")

from .bindings import JSONRPC, REST, CallContexts
from .card import Card
from .handler import TaskHandler

if TYPE_CHECKING:
    from ...application import Application

LOGGERS: Final = {"a2a": logging.CRITICAL, "sse_starlette": logging.WARNING}
"""The SDK logs bodies (DEBUG) and callers' mistakes (ERROR); the access log and `Failure` tell what matters."""


class A2AEndpoint(Endpoint):
    """Tasks by JSON-RPC at `/a2a` and by HTTP+JSON below `/a2a/rest`; what it offers is in the agent card."""

    name = "a2a"
    request_headers = ("A2A-Version", "A2A-Extensions")

    PATH: Final = "/a2a"
    REST_PATH: Final = "/a2a/rest"
    LAST_WORDS_SECONDS: Final = 1
    """Time to tell how a run was ended; less than the server's own (`cli/serve.py`). Guess."""

    def __init__(self, application: "Application", settings: Settings) -> None:
        """Make the card and the handler."""
        super().__init__(application, settings)
        for name, level in LOGGERS.items():
            logging.getLogger(name).setLevel(level)
        self._card = Card(application, settings, self.url(self.PATH), self.url(self.REST_PATH))
        self.handler = TaskHandler(settings, self._card.card)
        contexts = CallContexts(self.gateway)
        grace_seconds = settings.shutdown_grace_seconds + self.LAST_WORDS_SECONDS
        self._rpc = JSONRPC(self.handler, contexts, grace_seconds)
        self._rest = REST(self.handler, contexts, grace_seconds)

    def routes(self) -> Sequence[APIRouter | BaseRoute]:
        """The card, and both bindings."""
        return [self._card.route(), *self._rpc.routes(self.PATH), *self._rest.routes(self.REST_PATH)]

    def public_paths(self) -> Collection[str]:
        """The card."""
        return (Card.PATH,)

    def error_writers(self) -> Mapping[str, ErrorWriter]:
        """What a refusal looks like before the SDK has read the request."""
        return {self.REST_PATH: self._rest.written, self.PATH: self._rpc.written}

    @asynccontextmanager
    async def lifespan(self, running: AppState) -> AsyncIterator[None]:
        """What still runs at the end is stopped, and its task says so."""
        try:
            yield
        finally:
            await self.handler.aclose()


ENDPOINT = A2AEndpoint
