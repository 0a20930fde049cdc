"""`/v1/chat`, `/v1/feedback` and `/v1/agents`: ask, rate an answer, see who answers."""

import hashlib
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, cast
from uuid import uuid4

import structlog
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from ..auth.principal import Principal, Scope
from ..errors import InputRefused
from ..prompts.language import Language
from ..runtime.ratings import Rating
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


class ChatRequest(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """One message of a conversation."""

    message: Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
    """The question; several tasks may be in one. Without NUL, and not blank."""

    thread_id: Annotated[str | None, Field(pattern=THREAD_ID)] = None
    """The conversation of yours to go on with; without it, or with a new id, one begins."""

    def bind_thread_id(self, idempotency_key: str | None) -> str:
        """The thread that is named, or a new one: for a second try the same as for the first."""
        new = uuid4().hex
        if idempotency_key:
            new = hashlib.sha256(idempotency_key.encode()).hexdigest()[: len(new)]
        thread_id = self.thread_id or new
        structlog.contextvars.bind_contextvars(thread_id=thread_id)
        return thread_id


class FeedbackRequest(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """A rating of one answer."""

    run_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    """`run_id` of the answer."""

    rating: Literal["up", "down"] | Annotated[int, Field(ge=1, le=5)]
    """`up` or `down`, or 1 (bad) to 5 (good). The last one given counts."""

    comment: Annotated[str | None, Field(pattern=r"^[^\x00]*$")] = None
    """Why, in a few words; secrets in it are taken out before it is kept."""


class AgentCard(BaseModel, from_attributes=True, use_attribute_docstrings=True):
    """One agent, as its users see it."""

    name: str
    description: dict[Language, str]
    """What it answers, per language."""
    examples: dict[Language, list[str]]
    """Questions to try, per language."""


class ChatRoutes:
    """The two ways to ask, and what goes with them."""

    chat: ClassVar = APIRouter(prefix="/v1/chat", tags=["chat"], route_class=StrictRoute)
    feedback: ClassVar = APIRouter(tags=["feedback"], route_class=StrictRoute)
    agents: ClassVar = APIRouter(tags=["agents"], dependencies=[requires(Scope.CHAT)])

    REFUSALS: ClassVar = Problem.responses(401, 403, 408, 409, 413, 422, 429, 500, 503)
    EVENTS: ClassVar[Responses] = {
        200: {"content": {EventStream.MEDIA_TYPE: {}}, "description": "The events."}
    }

    @staticmethod
    @chat.post("", responses=REFUSALS)
    async def ask(
        chat: ChatRequest,
        caller: Asker,
        running: Running,
        idempotency_key: IdempotencyKey = None,
    ) -> Reply:
        """Answer one message. An answer with `degraded` true says why in `degraded_because`."""
        thread = caller.conversation(chat.bind_thread_id(idempotency_key))
        with running.shutdown.request():
            return await running.service.ask(chat.message, thread, idempotency_key=idempotency_key)

    @staticmethod
    @chat.post("/stream", response_class=StreamingResponse, responses=EVENTS | REFUSALS)
    async def stream(
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
        thread = caller.conversation(chat.bind_thread_id(idempotency_key))
        events = running.service.stream(chat.message, thread, idempotency_key=idempotency_key)
        return await EventStream(events, request.state.request_id, running.shutdown).response()

    @staticmethod
    @feedback.post(
        "/v1/feedback",
        status_code=HTTPStatus.NO_CONTENT,
        responses=Problem.responses(401, 403, 404, 408, 413, 422, 429, 500, 503),
    )
    async def give(feedback: FeedbackRequest, caller: Asker, running: Running) -> None:
        """Rate an answer that you got. It is kept with the conversation and deleted with it."""
        rating = cast(Rating, str(feedback.rating))
        await running.ratings.give(caller.id, feedback.run_id, rating, feedback.comment)

    @staticmethod
    @agents.get("/v1/agents", responses=Problem.responses(401, 403, 429, 500, 503))
    async def list(running: Running) -> list[AgentCard]:
        """Every agent of this service, with questions to try."""
        return [AgentCard.model_validate(agent) for agent in running.service.agents]
