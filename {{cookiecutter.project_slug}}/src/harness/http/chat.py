"""`/v1`: ask, rate an answer, see who answers; read and delete a conversation, decide what waits in it."""

from http import HTTPStatus
from typing import Annotated, ClassVar, Final, Literal, cast

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, JsonValue

from ..auth.principal import Principal, Scope
from ..errors import InputRefused
from ..prompts.language import Language
from ..runtime.replies import Reply
from ..runtime.state import Decision
from ..runtime.threads import Rating, Thread
from .authentication import requires
from .failures import Form
from .problems import Problem, Responses
from .routes import StrictRoute
from .state import Running
from .streaming import ChatFrames, EventStream

ENDPOINT: Final = "v1"
"""Its name in `runtime/access.toml`."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=Form.IDEMPOTENCY_KEY,
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

ThreadId = Annotated[str, Path(pattern=Form.THREAD_ID, description="The conversation.")]

ApprovalId = Annotated[str, Path(pattern=Form.APPROVAL_ID, description="The call, as `approvals` names it.")]

Asker = Annotated[Principal, requires(Scope.CHAT)]

Reader = Annotated[Principal, requires(Scope.THREADS)]


class ChatRequest(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """One message of a conversation."""

    message: Annotated[str, Field(pattern=Form.MESSAGE)]
    """The question; several tasks may be in one. Without NUL, and not blank."""

    thread_id: Annotated[str | None, Field(pattern=Form.THREAD_ID)] = None
    """The conversation of yours to go on with; without it, or with a new id, one begins."""


class ApprovalDecision(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """What a person decided."""

    decision: Literal["approve", "reject"]
    """`approve`: the call runs now, just as it was shown; `reject`: it never does."""

    value: JsonValue = None
    """The answer, where a graph asked for a structured one instead of an approval."""

    def about(self, approval_id: str) -> Decision:
        """As the service takes it."""
        decision = Decision(id=approval_id, verdict=self.decision)
        if self.value is not None:
            decision["value"] = self.value
        return decision


class FeedbackRequest(BaseModel, extra="forbid", strict=True, use_attribute_docstrings=True):
    """A rating of one answer."""

    run_id: Annotated[str, Field(pattern=Form.RUN_ID)]
    """`run_id` of the answer."""

    rating: Literal["up", "down"] | Annotated[int, Field(ge=1, le=5)]
    """`up` or `down`, or 1 (bad) to 5 (good). The last one given counts."""

    comment: Annotated[str | None, Field(pattern=Form.COMMENT)] = None
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

    REFUSALS: ClassVar = Problem.responses(401, 403, 408, 409, 413, 415, 422, 429, 500, 503)
    EVENTS: ClassVar[Responses] = {200: {"content": {EventStream.MEDIA_TYPE: {}}, "description": "The events."}}

    @staticmethod
    @chat.post("", responses=REFUSALS)
    async def ask(chat: ChatRequest, caller: Asker, running: Running, idempotency_key: IdempotencyKey = None) -> Reply:
        """Answer one message. An answer with `degraded` true says why in `degraded_because`."""
        gateway = running.gateway(ENDPOINT)
        return await gateway.ask(caller, chat.message, chat.thread_id, idempotency_key=idempotency_key)

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

        `started` with the ids of thread and run, `plan`, then `agent_started`, `progress` and
        `agent_finished` of the agents side by side, `token` pieces of the answer, and `final` with the
        same document as `POST /v1/chat`; or `error` with a problem document. After `withdrawn` the
        pieces sent so far count for nothing; other ones may follow, and `final` holds the answer.
        Lines that begin with a colon keep the connection open.
        """
        if last_event_id is not None:
            raise InputRefused("Last-Event-ID", "a run cannot be joined in the middle; ask again")
        gateway = running.gateway(ENDPOINT)
        run = gateway.stream(caller, chat.message, chat.thread_id, idempotency_key=idempotency_key)
        return await EventStream(run, ChatFrames(), request.state.request_id).response()

    @staticmethod
    @feedback.post(
        "/v1/feedback",
        status_code=HTTPStatus.NO_CONTENT,
        responses=Problem.responses(401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
    )
    async def give(feedback: FeedbackRequest, caller: Asker, running: Running) -> None:
        """Rate an answer that you got. It is kept with the conversation and deleted with it."""
        rating = cast(Rating, str(feedback.rating))
        await running.gateway(ENDPOINT).rate(caller, feedback.run_id, rating, feedback.comment)

    @staticmethod
    @agents.get("/v1/agents", responses=Problem.responses(401, 403, 429, 500, 503))
    async def list(running: Running) -> list[AgentCard]:
        """Every agent of this service, with questions to try."""
        return [AgentCard.model_validate(agent) for agent in running.service.agents]


class ThreadRoutes:
    """Reading and deleting a conversation, and deciding about what would change something."""

    router: ClassVar = APIRouter(prefix="/v1/threads", tags=["threads"], route_class=StrictRoute)

    @staticmethod
    @router.get("/{thread_id}", responses=Problem.responses(401, 403, 404, 422, 429, 500, 503))
    async def read(thread_id: ThreadId, caller: Reader, running: Running) -> Thread:
        """The latest messages of a conversation of yours."""
        return await running.gateway(ENDPOINT).read(caller, thread_id)

    @staticmethod
    @router.delete(
        "/{thread_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=Problem.responses(401, 403, 404, 409, 422, 429, 500, 503),
    )
    async def delete(thread_id: ThreadId, caller: Reader, running: Running) -> None:
        """Delete a conversation of yours for good, with the replies that were kept of it."""
        await running.gateway(ENDPOINT).delete(caller, thread_id)

    @staticmethod
    @router.post(
        "/{thread_id}/approvals/{approval_id}",
        responses=Problem.responses(401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 503),
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
        return await running.gateway(ENDPOINT).decide(caller, body.about(approval_id), thread_id)
