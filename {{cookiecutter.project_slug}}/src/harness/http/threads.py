"""`/v1/threads/{id}`: what the service remembers of a conversation, and the decisions that wait in it."""

from http import HTTPStatus
from typing import Annotated, ClassVar, Final, Literal

import structlog
from fastapi import APIRouter, Path
from pydantic import BaseModel

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


class ApprovalDecision(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """What a person decided."""

    decision: Literal["approve", "reject"]
    """`approve`: the call runs now, just as it was shown; `reject`: it never does."""


class ThreadRoutes:
    """Reading and deleting a conversation, and deciding about what would change something."""

    router: ClassVar = APIRouter(prefix="/v1/threads", tags=["threads"], route_class=StrictRoute)

    @staticmethod
    @router.get("/{thread_id}", responses=Problem.responses(401, 403, 404, 422, 429, 500, 503))
    async def read(thread_id: ThreadId, caller: Caller, running: Running) -> Thread:
        """The latest messages of a conversation of yours."""
        return await running.threads.read(caller.conversation(thread_id))

    @staticmethod
    @router.delete(
        "/{thread_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=Problem.responses(401, 403, 404, 409, 422, 429, 500, 503),
    )
    async def delete(thread_id: ThreadId, caller: Caller, running: Running) -> None:
        """Delete a conversation of yours for good, with the replies that were kept of it."""
        await running.threads.delete(caller.conversation(thread_id))

    @staticmethod
    @router.post(
        "/{thread_id}/approvals/{approval_id}",
        responses=Problem.responses(401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 503),
    )
    async def decide(
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
