"""`POST /v1/feedback`: what a caller thinks of an answer."""

from http import HTTPStatus
from typing import Annotated, Literal, cast

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ..auth.principal import Principal, Scope
from ..runtime.ratings import Rating
from .authentication import requires
from .problems import Problem
from .routes import StrictRoute
from .state import Running


class FeedbackRequest(BaseModel):
    """A rating of one answer."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    run_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    """`run_id` of the answer."""

    rating: Literal["up", "down"] | Annotated[int, Field(ge=1, le=5)]
    """`up` or `down`, or 1 (bad) to 5 (good). The last one given counts."""

    comment: Annotated[str | None, Field(pattern=r"^[^\x00]*$")] = None
    """Why, in a few words; secrets in it are taken out before it is kept."""


class FeedbackRoutes:
    """The route that takes ratings."""

    def router(self) -> APIRouter:
        """These routes."""
        router = APIRouter(prefix="/v1/feedback", tags=["feedback"], route_class=StrictRoute)
        router.add_api_route(
            "",
            self.give,
            methods=["POST"],
            status_code=HTTPStatus.NO_CONTENT,
            responses=Problem.responses(401, 403, 404, 408, 413, 422, 429, 500, 503),
        )
        return router

    async def give(
        self,
        feedback: FeedbackRequest,
        caller: Annotated[Principal, requires(Scope.CHAT)],
        running: Running,
    ) -> None:
        """Rate an answer that you got. It is kept with the conversation and deleted with it."""
        rating = cast(Rating, str(feedback.rating))
        await running.ratings.give(caller.id, feedback.run_id, rating, feedback.comment)
