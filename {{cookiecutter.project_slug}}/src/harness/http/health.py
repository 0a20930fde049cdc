"""`/healthz`, `/readyz`, `/version` and `/metrics`: for orchestrators, collectors, and whoever asks what runs here."""

from http import HTTPStatus
from typing import ClassVar, Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel

from ..project import Project
from ..telemetry.metrics import REGISTRY, Workers
from .problems import Problem, Responses
from .state import Running


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Threads(BaseModel):
    """The store of conversations."""

    kind: str
    answers: bool


class Callers(BaseModel, use_attribute_docstrings=True):
    """How callers are known."""

    mode: Literal["off", "keys", "oidc", "both"]
    keys: int | None = None
    """API keys in force."""
    keys_problem: str | None = None
    """Why the file of keys was not taken over as it is now; those of before are in force."""
    provider_problem: str | None = None
    """Why the OIDC provider's keys were not fetched the last time; those of before are in force."""


class Limits(BaseModel, use_attribute_docstrings=True):
    """How rates and quotas are held."""

    mode: Literal["enforce", "observe", "off"]
    counted_in: Literal["process", "redis"]
    redis_away: bool
    """True while Redis does not answer: LIMITS_WITHOUT_REDIS says what happens meanwhile."""


class LinkState(BaseModel, from_attributes=True):
    """One model of a role's chain."""

    model: str
    breaker: Literal["closed", "half_open", "open"]


class ModelState(BaseModel, from_attributes=True, use_attribute_docstrings=True):
    """What answers in one role."""

    role: str
    model: str
    kind: Literal["embedded", "provider", "disabled"]
    links: list[LinkState]
    """The model and its fallbacks; one whose breaker is `open` is not asked for a while."""


class Readiness(BaseModel, use_attribute_docstrings=True):
    """Whether requests can be served now, and by what."""

    status: Literal["ready", "not_ready"]
    threads: Threads
    models: list[ModelState]
    """`kind` is `embedded` for the built-in one, `disabled` when DISABLE_LLM is on."""
    sample_data: bool
    """True when agents answer from sample data (USE_FAKE_DATA)."""
    agents: int
    unread_files: list[str]
    """Of the agents' folders, left out because they are too large or not UTF-8; the rest is read."""
    callers: Callers
    limits: Limits


class Version(BaseModel, use_attribute_docstrings=True):
    """What runs here."""

    name: str
    title: str
    version: str
    commit: str
    """Of the code; `unknown` outside of an image."""


class HealthRoutes:
    """What probes ask, and collectors."""

    router: ClassVar = APIRouter(tags=["health"])

    FAILED: ClassVar = Problem.responses(500)
    NOT_READY: ClassVar[Responses] = {503: {"model": Readiness, "description": "The store does not answer, or we end."}}

    @staticmethod
    @router.get("/healthz", responses=FAILED)
    async def healthz() -> Health:
        """Alive. Depends on nothing else: a failing store is no reason to restart us."""
        return Health()

    @staticmethod
    @router.get("/readyz", responses=NOT_READY | FAILED)
    async def readyz(response: Response, running: Running) -> Readiness:
        """Ready to serve. Models are reported but do not decide: without one we still answer."""
        parts = await running.parts()
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
            unread_files=sorted({name for agent in running.service.agents for name in agent.resources.files.unread}),
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

    @staticmethod
    @router.get("/version", responses=FAILED)
    async def version(running: Running) -> Version:
        """Name, version and commit of this service."""
        project = Project.load()
        return Version(name=project.name, title=project.title, version=project.version, commit=running.settings.commit)

    @staticmethod
    async def metrics(running: Running) -> Response:
        """The counters of all worker processes in Prometheus's text format.

        The parts are looked at now: a collector sees the store go without a probe beside it. No
        text of any caller is in it, but do not publish it.
        """
        await running.parts()
        text = generate_latest(Workers.all() or REGISTRY)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)
