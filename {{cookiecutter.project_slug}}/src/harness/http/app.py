"""The application: middleware in order of travel, routes, handlers."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import compile_path

from ..auth.principal import Scope
from ..errors import ConfigurationError, ServiceError
from ..project import Project
from ..settings import Settings
from ..telemetry.logging import Logs
from ..telemetry.metrics import BUILD_INFO
from .authentication import AuthenticationMiddleware, requires
from .chat import ChatRoutes, ThreadRoutes
from .endpoint import Endpoints
from .forwarded import ForwardedMiddleware
from .head import HeadMiddleware
from .health import HealthRoutes
from .memory import MemoryRoutes
from .middleware import AccessLogMiddleware, RequestLimitsMiddleware, WellFormedMiddleware
from .openapi import OpenAPIDocument
from .problems import Problem
from .state import AppState

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
    endpoints = Endpoints(application, settings)
    for problem in application.unknown_settings():
        log.warning("setting_unknown", problem=problem)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.write_in_background()
        async with AppState.start(application, settings, logs) as running:
            app.state.running = running
            names = [agent.name for agent in running.service.agents]
            BUILD_INFO.labels(project.version, settings.commit).set(1)
            async with logs.reporting(running.parts), endpoints.started(running):
                told = {"agents": names, "endpoints": endpoints.names}
                log.info("started", version=project.version, commit=settings.commit, **told)
                with running.shutdown.install():
                    yield

    sent = [name for endpoint in endpoints for name in endpoint.request_headers]
    read = [name for endpoint in endpoints for name in endpoint.response_headers]
    proxies = Middleware(ForwardedMiddleware, settings.trusted_proxies or "")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID", *sent],
        expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID", *read],
    )
    app = FastAPI(
        title=project.title,
        description=project.description,
        version=project.version,
        lifespan=lifespan,
        redirect_slashes=False,  # it would lead to whatever host and scheme the request names
        exception_handlers=dict.fromkeys((ServiceError, RequestValidationError, HTTPException), Problem.handle),
        middleware=[  # the first is the first that a request meets
            *([cors] if settings.allowed_origins else []),
            Middleware(AccessLogMiddleware),
            Middleware(HeadMiddleware),
            Middleware(WellFormedMiddleware),
            Middleware(RequestLimitsMiddleware, settings, endpoints.body_max_bytes),
            *([proxies] if settings.trusted_proxies else []),
            *application.middleware,
            Middleware(
                AuthenticationMiddleware,
                application.open_paths,
                settings.metrics_open,
                endpoints.public_paths,
                endpoints.challenges,
            ),
        ],
    )
    metrics = APIRouter(dependencies=[] if settings.metrics_open else [requires(Scope.METRICS)])
    path = AuthenticationMiddleware.METRICS
    metrics.add_api_route(path, HealthRoutes.metrics, include_in_schema=False)
    chat = ChatRoutes
    for router in (
        chat.chat,
        ThreadRoutes.router,
        MemoryRoutes.router,
        chat.feedback,
        chat.agents,
        HealthRoutes.router,
    ):
        app.include_router(router)
    app.include_router(metrics)
    app.state.error_writers = endpoints.error_writers
    endpoints.add(app)
    OwnerParts.add(app, application)
    document = OpenAPIDocument(app, settings, application, endpoints.public_paths)
    app.openapi = cache(document.build)  # type: ignore[method-assign]
    return app


class OwnerParts:
    """The owner's routes and middleware, refused with the name of their place where they cannot work."""

    PLACE = "src/app/main.py"

    @classmethod
    def add(cls, app: FastAPI, application: "Application") -> None:
        """Include the routers, and build the middleware now.

        Raises:
            ConfigurationError: Something is no router, a route is the harness's, or a middleware
                cannot be built.
        """
        taken = cls._routes(app)
        problems = []
        routers: Sequence[object] = application.routers
        for router in routers:
            if isinstance(router, APIRouter):
                app.include_router(router)
            else:
                problems.append(f"routers: {router!r} is no APIRouter")
        own = cls._routes(app)[len(taken) :]
        paths = {path for _, path in own}
        patterns = [compile_path(path)[0] for _, path in taken]
        for path in sorted(paths):
            asked = re.sub("{.*?}", "x", path)  # such a request would reach the harness's route first
            if any(pattern.match(asked) for pattern in patterns):
                problems.append(f"routers: {path} is a path of the harness; take another")
        problems += [f"open_paths: {path} is no route of yours" for path in application.open_paths if path not in paths]
        try:
            app.middleware_stack = app.build_middleware_stack()
        except (TypeError, ValueError) as error:
            problems.append(f"middleware: {error}")
        if problems:
            raise ConfigurationError([f"{cls.PLACE}: {problem}" for problem in problems])

    @staticmethod
    def _routes(app: FastAPI) -> list[tuple[str, str]]:
        return [
            (method, route.path or "") for route in iter_route_contexts(app.routes) for method in route.methods or ()
        ]
