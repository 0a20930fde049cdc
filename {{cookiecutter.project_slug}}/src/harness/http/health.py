"""`/healthz`, `/readyz`, `/version` and `/metrics`: for orchestrators, collectors, and whoever asks what runs here."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict

from ..auth.principal import Scope
from ..project import Project
from ..settings import Settings
from ..telemetry.metrics import READY, REGISTRY, Workers
from .authentication import AuthenticationMiddleware, requires
from .problems import Problem, Responses
from .state import Running


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Threads(BaseModel):
    """The store of conversations."""

    kind: str
    answers: bool


class Callers(BaseModel):
    """How callers are known."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    mode: Literal["off", "keys", "oidc", "both"]
    keys: int | None = None
    """API keys in force."""
    keys_problem: str | None = None
    """Why the file of keys was not taken over as it is now; those of before are in force."""
    provider_problem: str | None = None
    """Why the OIDC provider's keys were not fetched the last time; those of before are in force."""


class Limits(BaseModel):
    """How rates and quotas are held."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    mode: Literal["enforce", "observe", "off"]
    counted_in: Literal["process", "redis"]
    redis_away: bool
    """True while Redis does not answer: LIMITS_WITHOUT_REDIS says what happens meanwhile."""


class LinkState(BaseModel):
    """One model of a role's chain."""

    model_config = ConfigDict(from_attributes=True)

    model: str
    breaker: Literal["closed", "half_open", "open"]


class ModelState(BaseModel):
    """What answers in one role."""

    model_config = ConfigDict(from_attributes=True, use_attribute_docstrings=True)

    role: str
    model: str
    kind: Literal["embedded", "provider", "disabled"]
    links: list[LinkState]
    """The model and its fallbacks; one whose breaker is `open` is not asked for a while."""


class Readiness(BaseModel):
    """Whether requests can be served now, and by what."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ready", "not_ready"]
    threads: Threads
    models: list[ModelState]
    """`kind` is `embedded` for the built-in one, `disabled` when DISABLE_LLM is on."""
    sample_data: bool
    """True when agents answer from sample data (USE_FAKE_DATA)."""
    agents: int
    callers: Callers
    limits: Limits


class Version(BaseModel):
    """What runs here."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    title: str
    version: str
    commit: str
    """Of the code; `unknown` outside of an image."""


class HealthRoutes:
    """The routes that probes ask."""

    def router(self) -> APIRouter:
        """These routes."""
        router = APIRouter(tags=["health"])
        not_ready: Responses = {
            503: {"model": Readiness, "description": "The store does not answer, or we end."}
        }
        failed = Problem.responses(500)
        router.add_api_route("/healthz", self.healthz, responses=failed)
        router.add_api_route("/readyz", self.readyz, responses=not_ready | failed)
        router.add_api_route("/version", self.version, responses=failed)
        return router

    async def healthz(self) -> Health:
        """Alive. Depends on nothing else: a failing store is no reason to restart us."""
        return Health()

    async def readyz(self, response: Response, running: Running) -> Readiness:
        """Ready to serve. Models are reported but do not decide: without one we still answer."""
        parts = await running.parts()
        for part, is_usable in parts.items():
            READY.labels(part).set(is_usable)
        is_ready = parts["service"]
        if not is_ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        keys, provider = running.authenticator.keys, running.authenticator.provider
        redis = running.limiter.redis
        return Readiness(
            status="ready" if is_ready else "not_ready",
            threads=Threads(kind=running.store.kind, answers=parts["store"]),
            models=list(map(ModelState.model_validate, running.service.factory.models())),
            sample_data=running.settings.use_fake_data,
            agents=len(running.service.agents),
            callers=Callers(
                mode=running.settings.authentication,
                keys=keys.count if keys else None,
                keys_problem=keys.problem if keys else None,
                provider_problem=provider.problem if provider else None,
            ),
            limits=Limits(
                mode=running.settings.limits,
                counted_in="redis" if redis else "process",
                redis_away=redis.is_away if redis else False,
            ),
        )

    async def version(self, running: Running) -> Version:
        """Name, version and commit of this service."""
        project = Project.load()
        return Version(
            name=project.name,
            title=project.title,
            version=project.version,
            commit=running.settings.commit,
        )


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
        for part, is_usable in (await running.parts()).items():
            READY.labels(part).set(is_usable)
        text = generate_latest(Workers.all() or REGISTRY)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)
