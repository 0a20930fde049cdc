"""`/metrics`: what the service counts about itself, for Prometheus."""

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from ..auth.principal import Scope
from ..settings import Settings
from ..telemetry.metrics import READY, REGISTRY
from ..telemetry.workers import Workers
from .authentication import GuardedRoute
from .state import AppState


class MetricsRoutes:
    """The route that a collector asks. It tells no text of any caller, but do not publish it."""

    def __init__(self, settings: Settings) -> None:
        self._is_open = settings.metrics_open

    def router(self) -> APIRouter:
        """The route of this door; not part of the API that callers are promised."""
        kind = APIRoute if self._is_open else GuardedRoute.needing(Scope.METRICS)
        router = APIRouter(route_class=kind)
        router.add_api_route("/metrics", self.metrics, include_in_schema=False)
        return router

    async def metrics(self, request: Request) -> Response:
        """The counters of all worker processes in Prometheus's text format.

        The parts are looked at now: a collector sees the store go without a probe beside it.
        """
        for part, is_ready in (await AppState.from_request(request).parts()).items():
            READY.labels(part).set(is_ready)
        return Response(
            generate_latest(Workers.all() or REGISTRY), media_type=CONTENT_TYPE_PLAIN_0_0_4
        )
