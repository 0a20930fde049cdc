"""`POST /v1/chat`: one message in, one answer out, whole or as a stream of events."""

import hashlib
from typing import Annotated
from uuid import uuid4

import structlog
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ..auth.principal import Principal, Scope
from ..errors import InputRefused
from ..runtime.replies import Reply
from .authentication import requires
from .problems import Problem, Responses
from .routes import StrictRoute
from .state import Running
from .streaming import EventStream
from .threads import THREAD_ID

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,255}$",
        description="A text of your own, new for each message. A second try with the same key and "
        "the same body gets the reply of the first, which ran once.",
    ),
]

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="Refused: a run cannot be joined in the middle. Ask again with the same "
        "Idempotency-Key; the reply comes as `final`.",
    ),
]


Asker = Annotated[Principal, requires(Scope.CHAT)]


class ChatRequest(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    message: Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
    """The question; several tasks may be in one. Without NUL, and not blank."""

    thread_id: Annotated[str | None, Field(pattern=THREAD_ID)] = None
    """The conversation of yours to go on with; without it, or with a new id, one begins."""


class ChatRoutes:
    """The two ways to ask."""

    def router(self) -> APIRouter:
        """These routes."""
        router = APIRouter(prefix="/v1/chat", tags=["chat"], route_class=StrictRoute)
        refusals = Problem.responses(401, 403, 408, 409, 413, 422, 429, 500, 503)
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

    async def ask(
        self,
        chat: ChatRequest,
        caller: Asker,
        running: Running,
        idempotency_key: IdempotencyKey = None,
    ) -> Reply:
        """Answer one message. An answer with `degraded` true says why in `degraded_because`."""
        thread = caller.conversation(self._thread_id(chat, idempotency_key))
        with running.shutdown.request():
            return await running.service.ask(chat.message, thread, idempotency_key=idempotency_key)

    async def stream(
        self,
        chat: ChatRequest,
        request: Request,
        *,
        caller: Asker,
        running: Running,
        idempotency_key: IdempotencyKey = None,
        last_event_id: LastEventId = None,
    ) -> StreamingResponse:
        """Answer one message as server-sent events.

        `plan`, then `agent_started` and `agent_finished` side by side, `token` pieces of the
        answer, and `final` with the same document as `POST /v1/chat`; or `error` with a problem
        document. After `withdrawn` the pieces sent so far count for nothing: their writer failed
        in the middle, and `final` holds another answer. Lines that begin with a colon keep the
        connection open.
        """
        if last_event_id is not None:
            raise InputRefused("Last-Event-ID", "a run cannot be joined in the middle; ask again")
        thread = caller.conversation(self._thread_id(chat, idempotency_key))
        events = running.service.stream(chat.message, thread, idempotency_key=idempotency_key)
        return await EventStream(events, request.state.request_id, running.shutdown).response()

    @staticmethod
    def _thread_id(chat: ChatRequest, idempotency_key: str | None) -> str:
        """The thread that is named, or a new one: for a second try the same as for the first."""
        new = uuid4().hex
        if idempotency_key:
            new = hashlib.sha256(idempotency_key.encode()).hexdigest()[: len(new)]
        thread_id = chat.thread_id or new
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        return thread_id
