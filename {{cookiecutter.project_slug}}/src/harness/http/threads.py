"""`/v1/threads/{id}`: what the service remembers of a conversation, and how it forgets it."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path

from ..auth.principal import Principal, Scope
from ..runtime.threads import Thread
from .authentication import requires
from .problems import Problem
from .routes import StrictRoute
from .state import Running

THREAD_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""What names a conversation: no NUL, no surrogate, nothing that a path or a log could misread."""

ThreadId = Annotated[str, Path(pattern=THREAD_ID, description="The conversation.")]


Owner = Annotated[Principal, requires(Scope.THREADS)]


class ThreadRoutes:
    """Reading and deleting a conversation."""

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
        return router

    async def read(self, thread_id: ThreadId, caller: Owner, running: Running) -> Thread:
        """The latest messages of a conversation of yours."""
        return await running.threads.read(caller.conversation(thread_id))

    async def delete(self, thread_id: ThreadId, caller: Owner, running: Running) -> None:
        """Delete a conversation of yours for good, with the replies that were kept of it."""
        await running.threads.delete(caller.conversation(thread_id))
