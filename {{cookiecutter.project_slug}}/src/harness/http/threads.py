"""`/v1/threads/{id}`: what the service remembers of a conversation, and how it forgets it."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request

from ..auth.principal import Scope
from ..runtime.threads import Thread
from .authentication import Caller, GuardedRoute
from .openapi import ProblemDocs
from .state import AppState

THREAD_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""What names a conversation: no NUL, no surrogate, nothing that a path or a log could misread."""

ThreadId = Annotated[str, Path(pattern=THREAD_ID, description="The conversation.")]


class ThreadRoutes:
    """Reading and deleting a conversation."""

    def router(self) -> APIRouter:
        """The routes of this door."""
        router = APIRouter(
            prefix="/v1/threads", tags=["threads"], route_class=GuardedRoute.needing(Scope.THREADS)
        )
        router.add_api_route(
            "/{thread_id}",
            self.read,
            responses=ProblemDocs.responses(401, 403, 404, 422, 429, 500, 503),
        )
        router.add_api_route(
            "/{thread_id}",
            self.delete,
            methods=["DELETE"],
            status_code=HTTPStatus.NO_CONTENT,
            responses=ProblemDocs.responses(401, 403, 404, 409, 422, 429, 500, 503),
        )
        return router

    async def read(self, thread_id: ThreadId, request: Request) -> Thread:
        """The latest messages of a conversation of yours."""
        conversation = Caller.from_request(request).conversation(thread_id)
        return await AppState.from_request(request).threads.read(conversation)

    async def delete(self, thread_id: ThreadId, request: Request) -> None:
        """Delete a conversation of yours for good, with the replies that were kept of it."""
        conversation = Caller.from_request(request).conversation(thread_id)
        await AppState.from_request(request).threads.delete(conversation)
