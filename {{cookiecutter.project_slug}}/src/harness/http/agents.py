"""`GET /v1/agents`: who answers here."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..auth.principal import Scope
from ..prompts.language import Language
from .authentication import requires
from .problems import Problem
from .state import Running


class AgentCard(BaseModel):
    """One agent, as its users see it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    description: dict[Language, str]
    """What it answers, per language."""
    examples: dict[Language, list[str]]
    """Questions to try, per language."""


class AgentRoutes:
    """The list of agents."""

    def router(self) -> APIRouter:
        """These routes."""
        router = APIRouter(
            prefix="/v1/agents", tags=["agents"], dependencies=[requires(Scope.CHAT)]
        )
        router.add_api_route("", self.list, responses=Problem.responses(401, 403, 429, 500, 503))
        return router

    async def list(self, running: Running) -> list[AgentCard]:
        """Every agent of this service, with questions to try."""
        return [
            AgentCard(
                name=agent.name,
                description=dict(agent.description),
                examples={
                    language: list(questions) for language, questions in agent.examples.items()
                },
            )
            for agent in running.service.agents
        ]
