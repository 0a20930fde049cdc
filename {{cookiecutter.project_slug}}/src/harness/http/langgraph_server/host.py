"""The service as the LangGraph server's own application, its authentication and its graph."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fastapi import Request, Response
from langgraph_sdk.runtime import ServerRuntime
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from ..app import create_app
from ..failures import RequestRefused
from .graph import ServedGraph
from .hooks import Hooks

if TYPE_CHECKING:
    from ...application import Application


class LangGraphHost:
    """One port, one start and end, one way in for both.

    A request to the server passes the service's middleware, admission included, then the server's, then `Hooks`.
    """

    ALIVE: Final = "/ok"
    """Where the server says that it is there; everybody may ask."""

    BATCH: Final = "/runs/batch"
    """Where the server would take any number of runs as one request."""

    def __init__(self, application: "Application") -> None:
        """Make it; nothing is opened before the server starts it.

        Raises:
            ConfigurationError: A setting or a part is wrong.
        """
        logging.getLogger().handlers.clear()  # the server's, which would write every line again, unmasked
        self.app = create_app(application, public_paths=[self.ALIVE])
        self.app.router.routes += [Route("/info", self.info), Route(self.BATCH, self.refuse, methods=["POST"])]
        for it in self.app.user_middleware:
            kind: object = it.cls
            if kind is CORSMiddleware:  # pages of ALLOWED_ORIGINS, such as Studio, use all of the server's routes
                it.kwargs.update(allow_methods=["*"], allow_headers=["*"])
        self.app.middleware_stack = None  # the server adds its own to it
        self.auth = Hooks(self.app).auth

    @asynccontextmanager
    async def graph(self, runtime: ServerRuntime[Any]) -> AsyncIterator[ServedGraph]:
        """The graph for the caller of a request or a run."""
        yield ServedGraph.of(self.app, Hooks.principal(runtime.user))

    @staticmethod
    async def refuse(_: Request) -> NoReturn:
        """Refuse a batch: each run is a request, and counts as one.

        Raises:
            RequestRefused: Always.
        """
        raise RequestRefused(HTTPStatus.FORBIDDEN, "Runs are asked for one at a time.")

    @staticmethod
    async def info(request: Request) -> Response:
        """The server's versions, which `disable_meta` takes away together with what the service does better."""
        response: Response = await import_module("langgraph_api.api.meta").meta_info(request)
        return response
