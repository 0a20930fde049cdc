"""The application: middleware in order of travel, routes, handlers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ..errors import ConfigurationError
from ..project import Project
from ..settings import Settings
from ..telemetry.logging import Logs
from ..telemetry.metrics import BUILD_INFO
from .agents import AgentRoutes
from .authentication import AuthenticationMiddleware
from .chat import ChatRoutes
from .feedback import FeedbackRoutes
from .health import HealthRoutes, MetricsRoutes
from .middleware import AccessLogMiddleware, RequestLimitsMiddleware
from .openapi import OpenAPIDocument
from .problems import ProblemHandlers
from .state import AppState
from .threads import ThreadRoutes

if TYPE_CHECKING:
    from ..application import Application

log = structlog.stdlib.get_logger(__name__)


def create_app(application: "Application", settings: Settings | None = None) -> FastAPI:
    """The service over HTTP, with `settings` from the environment unless given.

    Logging starts here; the store, the models and the agents open when the server starts it.

    Raises:
        ConfigurationError: A setting or a part is wrong. When the server starts: the store cannot be
            opened, a model or an agent cannot be built.
    """
    settings = settings or application.settings()
    project = Project.load()
    logs = Logs(settings).install()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AppState.start(application, settings, logs) as running:
            running.attach(app)
            names = [agent.name for agent in running.service.agents]
            BUILD_INFO.labels(project.version, settings.commit).set(1)
            log.info("started", version=project.version, commit=settings.commit, agents=names)
            with running.shutdown.install():
                yield

    limits = Middleware(
        RequestLimitsMiddleware,
        settings.header_max_bytes,
        settings.body_max_bytes,
        settings.body_timeout_seconds,
    )
    proxies = Middleware(ProxyHeadersMiddleware, settings.trusted_proxies or "")
    app = FastAPI(
        title=project.title,
        description=project.description,
        version=project.version,
        lifespan=lifespan,
        middleware=[  # the first is the first that a request meets
            Middleware(AccessLogMiddleware),
            limits,
            *([proxies] if settings.trusted_proxies else []),
            *application.middleware,
            Middleware(AuthenticationMiddleware, application.open_paths, settings.metrics_open),
        ],
    )
    for routes in (
        ChatRoutes(),
        ThreadRoutes(),
        FeedbackRoutes(),
        AgentRoutes(),
        HealthRoutes(),
        MetricsRoutes(settings),
    ):
        app.include_router(routes.router())
    ProblemHandlers(app)
    OwnerParts(app).add(application)
    document = OpenAPIDocument(app, settings, application)
    app.openapi = document.build  # type: ignore[method-assign]
    return app


class OwnerParts:
    """The owner's routes and middleware, refused with the name of their place where they cannot work."""

    PLACE = "src/app/main.py"

    def __init__(self, app: FastAPI) -> None:
        """Look at what `app` has already."""
        self._app = app
        self._taken = set(self._routes())

    def _routes(self) -> list[tuple[str, str]]:
        return [
            (method, route.path or "")
            for route in iter_route_contexts(self._app.routes)
            for method in route.methods or ()
        ]

    def add(self, application: "Application") -> None:
        """Include the routers, and build the middleware now.

        Raises:
            ConfigurationError: Something is no router, a route is the harness's, or a middleware
                cannot be built.
        """
        problems = []
        routers: Sequence[object] = application.routers
        for router in routers:
            if isinstance(router, APIRouter):
                self._app.include_router(router)
            else:
                problems.append(f"{self.PLACE}: routers: {router!r} is no APIRouter")
        routes = self._routes()[len(self._taken) :]
        problems += [
            f"{self.PLACE}: routers: {method} {path} is a route of the harness"
            for method, path in routes
            if (method, path) in self._taken
        ]
        paths = {path for _, path in routes}
        problems += [
            f"{self.PLACE}: open_paths: {path} is no route of yours"
            for path in application.open_paths
            if path not in paths
        ]
        try:
            self._app.middleware_stack = self._app.build_middleware_stack()
        except (TypeError, ValueError) as error:
            problems.append(f"{self.PLACE}: middleware: {error}")
        if problems:
            raise ConfigurationError(problems)
