"""`POST /v1/threads/{id}/approvals/{id}`: a person says yes or no to a call that waits."""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict

from ..auth.principal import Scope
from ..runtime.replies import Reply
from ..runtime.state import Decision
from .authentication import Caller, GuardedRoute
from .openapi import ProblemDocs
from .state import AppState
from .threads import ThreadId

ApprovalId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{32}$", description="The call, as `approvals` names it.")
]


class ApprovalDecision(BaseModel):
    """What a person decided."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    decision: Literal["approve", "reject"]
    """`approve`: the call runs now, just as it was shown; `reject`: it never does."""


class ApprovalRoutes:
    """Deciding about what would change something."""

    def router(self) -> APIRouter:
        """The routes of this door."""
        router = APIRouter(
            prefix="/v1/threads", tags=["threads"], route_class=GuardedRoute.needing(Scope.APPROVE)
        )
        router.add_api_route(
            "/{thread_id}/approvals/{approval_id}",
            self.decide,
            methods=["POST"],
            responses=ProblemDocs.responses(401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 503),
        )
        return router

    async def decide(
        self,
        thread_id: ThreadId,
        approval_id: ApprovalId,
        decided: ApprovalDecision,
        request: Request,
    ) -> Reply:
        """Decide about a call of a conversation of yours; the answer tells what became of it.

        An approved call runs once at most, whatever fails meanwhile: when its end is not known, the
        answer (or 409) says so. The same decision again gets the same reply.
        """
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        conversation = Caller.from_request(request).conversation(thread_id)
        running = AppState.from_request(request)
        with running.life.request():
            decision = Decision(id=approval_id, verdict=decided.decision)
            return await running.service.decide(decision, conversation)
