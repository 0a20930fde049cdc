"""`/metrics`: what the service counts about itself, for Prometheus."""

from fastapi import APIRouter, Response

from ..observability.metrics import METRICS


class MetricsRoutes:
    """The route that a collector asks. It tells no text of any caller, but do not publish it."""

    def router(self) -> APIRouter:
        """The route of this door; not part of the API that callers are promised."""
        router = APIRouter()
        router.add_api_route("/metrics", self.metrics, include_in_schema=False)
        return router

    async def metrics(self) -> Response:
        """The counters of this process in Prometheus's text format."""
        return Response(METRICS.text(), media_type=METRICS.CONTENT_TYPE)
