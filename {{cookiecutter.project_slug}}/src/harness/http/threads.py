"""`/v1/threads/{id}`: what the service remembers of a conversation, and the decisions that wait in it."""

from http import HTTPStatus
from typing import Annotated, Final, Literal

import structlog
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from ..auth.principal import Principal, Scope
from ..runtime.replies import Reply
from ..runtime.state import Decision
from ..runtime.threads import Thread
from .authentication import requires
from .problems import Problem
from .routes import StrictRoute
from .state import Running

THREAD_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""What names a conversation: no NUL, no surrogate, nothing that a path or a log could misread."""

ThreadId = Annotated[str, Path(pattern=THREAD_ID, description="The conversation.")]


Caller = Annotated[Principal, requires(Scope.THREADS)]


ApprovalId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{32}$", description="The call, as `approvals` names it.")
]


class ApprovalDecision(BaseModel):
    """What a person decided."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    decision: Literal["approve", "reject"]
    """`approve`: the call runs now, just as it was shown; `reject`: it never does."""


class ThreadRoutes:
    """Reading and deleting a conversation, and deciding about what would change something."""

    def router(self) -> APIRouter:
        """These routes."""
        router = APIRouter(prefix="/v1/threads", tags=["threads"], route_class=StrictRoute)
        router.add_api_route(
            "/{thread_id}",
            self.read,
            responses=Problem.responses(401, 403, 404, 422, 429, 500, 503),
        )
        router.add_api_route(
            "/{thread_id}",
            self.delete,
            methods=["DELETE"],
            status_code=HTTPStatus.NO_CONTENT,
            responses=Problem.responses(401, 403, 404, 409, 422, 429, 500, 503),
        )
        router.add_api_route(
            "/{thread_id}/approvals/{approval_id}",
            self.decide,
            methods=["POST"],
            responses=Problem.responses(401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 503),
        )
        return router

    async def read(self, thread_id: ThreadId, caller: Caller, running: Running) -> Thread:
        """The latest messages of a conversation of yours."""
        return await running.threads.read(caller.conversation(thread_id))

    async def delete(self, thread_id: ThreadId, caller: Caller, running: Running) -> None:
        """Delete a conversation of yours for good, with the replies that were kept of it."""
        await running.threads.delete(caller.conversation(thread_id))

    async def decide(
        self,
        thread_id: ThreadId,
        approval_id: ApprovalId,
        body: ApprovalDecision,
        caller: Annotated[Principal, requires(Scope.APPROVE)],
        running: Running,
    ) -> Reply:
        """Decide about a call of a conversation of yours; the answer tells what became of it.

        An approved call runs once at most, whatever fails meanwhile: when its end is not known, the
        answer (or 409) says so. The same decision again gets the same reply.
        """
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        with running.shutdown.request():
            decision = Decision(id=approval_id, verdict=body.decision)
            return await running.service.decide(decision, caller.conversation(thread_id))
