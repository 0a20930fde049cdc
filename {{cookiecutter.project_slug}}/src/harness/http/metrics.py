"""`/metrics`: what the service counts about itself, for Prometheus."""

from fastapi import APIRouter, Response

from ..auth.principal import Scope
from ..settings import Settings
from ..telemetry.metrics import METRICS
from .authentication import AuthenticationMiddleware, requires
from .state import Running


class MetricsRoutes:
    """The route that a collector asks. It tells no text of any caller, but do not publish it."""

    def __init__(self, settings: Settings) -> None:
        self._is_open = settings.metrics_open

    def router(self) -> APIRouter:
        """This route; not part of the API that callers are promised."""
        router = APIRouter(dependencies=[] if self._is_open else [requires(Scope.METRICS)])
        path = AuthenticationMiddleware.METRICS
        router.add_api_route(path, self.metrics, include_in_schema=False)
        return router

    async def metrics(self, running: Running) -> Response:
        """The counters of all worker processes in Prometheus's text format.

        The parts are looked at now: a collector sees the store go without a probe beside it.
        """
        METRICS.ready(await running.parts())
        return Response(METRICS.text(), media_type=METRICS.CONTENT_TYPE)
