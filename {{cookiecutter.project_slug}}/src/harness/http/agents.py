"""`GET /v1/agents`: who answers here."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from ..auth.principal import Scope
from ..prompts.language import Language
from .authentication import GuardedRoute
from .openapi import ProblemDocs
from .state import AppState


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
        """The routes of this door."""
        router = APIRouter(
            prefix="/v1/agents", tags=["agents"], route_class=GuardedRoute.needing(Scope.CHAT)
        )
        router.add_api_route(
            "", self.list, responses=ProblemDocs.responses(401, 403, 429, 500, 503)
        )
        return router

    async def list(self, request: Request) -> list[AgentCard]:
        """Every agent of this service, with questions to try."""
        agents = AppState.from_request(request).service.agents
        return [
            AgentCard(
                name=agent.name,
                description=dict(agent.description),
                examples={language: list(asked) for language, asked in agent.examples.items()},
            )
            for agent in agents
        ]
