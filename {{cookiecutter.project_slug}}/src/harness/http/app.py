"""The application: middleware in order of travel, doors, handlers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ..project import Project
from ..runtime.agent import Agent
from ..settings import Settings
from ..telemetry.logging import Logs
from ..telemetry.metrics import BUILD_INFO
from .agents import AgentRoutes
from .approvals import ApprovalRoutes
from .chat import ChatRoutes
from .feedback import FeedbackRoutes
from .health import HealthRoutes
from .metrics import MetricsRoutes
from .middleware import AccessLogMiddleware, BodyLimitMiddleware, HeaderLimitMiddleware
from .openapi import OpenAPIDocument
from .problems import ProblemHandlers
from .state import AppState
from .threads import ThreadRoutes

log = structlog.stdlib.get_logger(__name__)


def create_app(settings: Settings | None, agents: Sequence[type[Agent[Any]]]) -> FastAPI:
    """The service over HTTP, with `settings` from the environment unless given.

    Logging starts here; the store, the models and the agents open when the server starts it.

    Raises:
        ConfigurationError: A setting is wrong. When the server starts: the store cannot be opened, a
            model or an agent cannot be built.
    """
    settings = settings or Settings()
    project = Project.load()
    logs = Logs(settings).install()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AppState.start(settings, agents, logs) as running:
            running.attach(app)
            names = [agent.name for agent in running.service.agents]
            BUILD_INFO.labels(project.version, settings.commit).set(1)
            log.info("started", version=project.version, commit=settings.commit, agents=names)
            with running.life.install():
                yield

    app = FastAPI(
        title=project.title,
        description=project.description,
        version=project.version,
        lifespan=lifespan,
    )
    app.add_middleware(
        BodyLimitMiddleware,
        max_bytes=settings.body_max_bytes,
        seconds=settings.body_timeout_seconds,
    )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    app.add_middleware(HeaderLimitMiddleware, max_bytes=settings.header_max_bytes)
    app.add_middleware(AccessLogMiddleware)  # added last, so it is the first that a request meets
    routes = []
    for door in (
        ChatRoutes(),
        ThreadRoutes(),
        ApprovalRoutes(),
        FeedbackRoutes(),
        AgentRoutes(),
        HealthRoutes(),
        MetricsRoutes(settings),
    ):
        router = door.router()
        app.include_router(router)
        routes += router.routes
    ProblemHandlers.install(app, routes)
    app.openapi = OpenAPIDocument(app, settings, agents).build  # type: ignore[method-assign]
    return app
