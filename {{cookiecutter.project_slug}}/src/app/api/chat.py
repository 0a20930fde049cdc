"""`POST /v1/chat`: one message in, one answer out, whole or as a stream of events."""

from typing import Annotated
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ..graph.reply import Reply
from .openapi import ProblemDocs, Responses
from .running import Running
from .stream import EventStream
from .strict_json import StrictRoute


class ChatRequest(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    message: Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
    """The question; several tasks may be in one. Without NUL, and not blank."""

    thread_id: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None
    """The conversation to go on with; without it a new one begins."""


class ChatRoutes:
    """The two ways to ask."""

    def router(self) -> APIRouter:
        """The routes of this door."""
        router = APIRouter(prefix="/v1/chat", tags=["chat"], route_class=StrictRoute)
        refusals = ProblemDocs.of(413, 422, 500)
        router.add_api_route("", self.ask, methods=["POST"], responses=refusals)
        events: Responses = {
            200: {"content": {EventStream.MEDIA_TYPE: {}}, "description": "The events."}
        }
        router.add_api_route(
            "/stream",
            self.stream,
            methods=["POST"],
            response_class=StreamingResponse,
            responses=events | refusals,
        )
        return router

    async def ask(self, chat: ChatRequest, request: Request) -> Reply:
        """Answer one message. An answer with `degraded` true says why in `degraded_because`."""
        thread_id = self._thread_id(chat)
        return await Running.behind(request).service.ask(chat.message, thread_id)

    async def stream(self, chat: ChatRequest, request: Request) -> StreamingResponse:
        """Answer one message as server-sent events.

        `plan`, then `agent_started` and `agent_finished` side by side, `token` pieces of the
        answer, and `final` with the same document as `POST /v1/chat`; or `error` with a problem
        document. Lines that begin with a colon keep the connection open.
        """
        events = Running.behind(request).service.stream(chat.message, self._thread_id(chat))
        return await EventStream(events, request.state.request_id).response()

    @staticmethod
    def _thread_id(chat: ChatRequest) -> str:
        thread_id = chat.thread_id or uuid4().hex
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        return thread_id
