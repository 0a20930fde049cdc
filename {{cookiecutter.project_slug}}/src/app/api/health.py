"""`/healthz`, `/readyz` and `/version`: for orchestrators, and for whoever asks what runs here."""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..project import Project
from .openapi import ProblemDocs, Responses
from .running import Running


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Threads(BaseModel):
    """The store of conversations."""

    kind: str
    answers: bool


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


class Version(BaseModel):
    """What runs here."""

    name: str
    title: str
    version: str


class HealthRoutes:
    """The routes that probes ask."""

    def router(self) -> APIRouter:
        """The routes of this door."""
        router = APIRouter(tags=["health"])
        not_ready: Responses = {
            503: {"model": Readiness, "description": "The store does not answer, or we end."}
        }
        failed = ProblemDocs.of(500)
        router.add_api_route("/healthz", self.healthz, responses=failed)
        router.add_api_route("/readyz", self.readyz, responses=not_ready | failed)
        router.add_api_route("/version", self.version, responses=failed)
        return router

    async def healthz(self) -> Health:
        """Alive. Depends on nothing else: a failing store is no reason to restart us."""
        return Health()

    async def readyz(self, request: Request, response: Response) -> Readiness:
        """Ready to serve. Models are reported but do not decide: without one we still answer."""
        running = Running.behind(request)
        answers = await running.checkpoints.answers()
        is_ready = answers and not running.life.is_ending
        if not is_ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Readiness(
            status="ready" if is_ready else "not_ready",
            threads=Threads(kind=running.checkpoints.kind, answers=answers),
            models=list(map(ModelState.model_validate, running.service.factory.models())),
            sample_data=running.settings.use_fake_data,
            agents=len(running.service.agents),
        )

    async def version(self) -> Version:
        """Name and version of this service."""
        project = Project.load()
        return Version(name=project.name, title=project.title, version=project.version)
