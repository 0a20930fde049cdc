"""`POST /invocations` and `GET /ping`, as Bedrock AgentCore Runtime calls the containers that it runs.

AWS's own SDK would run the handlers on a second event loop, and tell callers the text of exceptions.
"""

import hashlib
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from time import time
from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Header, Request, Response
from starlette.datastructures import Headers

from ...auth.principal import Principal
from ...errors import ConfigurationError, Unauthenticated
from ...http.authentication import Identify
from ...http.chat import Asker
from ...http.endpoint import Endpoint
from ...http.last_message import LastMessage
from ...http.routes import StrictRoute
from ...http.state import Running
from ...http.streaming import ChatFrames, EventStream
from ...runtime.replies import Event, Reply
from .requests import Invocation
from .settings import AgentCoreSettings

SESSION_HEADER: Final = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"

SESSION_THREAD_CHARS: Final = 32
"""Hexadecimal digits of the thread id that a session becomes: as many as a UUID has, for a LangGraph server names
threads so. 128 bits: two sessions of one caller never share one, and the threads of others are out of reach."""

ISSUER: Final = "agentcore"
"""Whose callers those of AGENTCORE_USER_HEADER are; no OIDC provider's, whose names are addresses."""

USER_MAX_CHARS: Final = 1024
"""Longest name of a user; botocore's model of `runtimeUserId`."""

Session = Annotated[str | None, Header(alias=SESSION_HEADER, pattern=r"^[!-~]{33,256}$")]
"""As long as botocore's model of `runtimeSessionId`; without one, as on one's own machine, a conversation begins."""


class InvocationRoute(StrictRoute):
    """Takes a body without a word of its kind as JSON: AWS's clients say none unless they are told to.

    Such a body is what a web page may send unasked. None comes by here: browsers add `Origin` to every POST.
    """

    UNTOLD: ClassVar = ("", "application/octet-stream")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI calls with each request."""
        handle = super().get_route_handler()

        async def handle_untold(request: Request) -> Response:
            if request.headers.get("content-type", "") in self.UNTOLD and "origin" not in request.headers:
                rest = [it for it in request.scope["headers"] if it[0] != b"content-type"]
                headers = [*rest, (b"content-type", b"application/json")]
                request = Request({**request.scope, "headers": headers}, request.receive)
            return await handle(request)

        return handle_untold


class AgentCoreEndpoint(Endpoint):
    """One message an invocation. Its answer is that of `/v1/chat`, or with `Accept: text/event-stream` of `/v1/chat/stream`.

    Refusals have a status and a problem document, as at `/v1`.
    """

    name = "agentcore"
    own_settings: AgentCoreSettings

    INVOCATIONS: ClassVar = "/invocations"
    PING: ClassVar = "/ping"

    def __init__(self, *parts: Any) -> None:
        """Made idle.

        Raises:
            ConfigurationError: Callers have tokens of their own, and could name somebody else beside them.
        """
        super().__init__(*parts)
        way = self.settings.authentication
        if self.own_settings.agentcore_user_header and way in ("oidc", "both"):
            problem = f"with AUTHENTICATION={way} whoever has a token could name somebody else"
            raise ConfigurationError([f"AGENTCORE_USER_HEADER: {problem}; leave one of them out"])
        self._is_busy = False
        self._changed = int(time())

    def routes(self) -> Sequence[APIRouter]:
        """Left out of our document: AWS's contract describes them."""
        router = APIRouter(route_class=InvocationRoute, include_in_schema=False)
        router.add_api_route(self.INVOCATIONS, self.invoke, methods=["POST"], response_model=None)
        router.add_api_route(self.PING, self.ping, methods=["GET"])
        return [router]

    def public_paths(self) -> Collection[str]:
        """The platform asks without a name."""
        return [self.PING]

    def identities(self) -> Mapping[str, Identify]:
        """By the platform's header, where a setting says that nobody else can send it."""
        return {self.INVOCATIONS: self._user} if self.own_settings.agentcore_user_header else {}

    def _user(self, headers: Headers) -> Principal:
        names = headers.getlist(self.own_settings.agentcore_user_header or "")
        if len(names) != 1 or not 0 < len(names[0].strip()) <= USER_MAX_CHARS:
            raise Unauthenticated("no_user", has_credentials=False)
        return Principal.from_account(ISSUER, names[0].strip(), self.own_settings.scopes)

    async def invoke(self, asked: Invocation, request: Request, caller: Asker, session: Session = None) -> Response:
        """Answer a message, or decide about a call that waits. A session is a conversation, whatever its id."""
        gateway, is_stream = self.gateway(request), EventStream.MEDIA_TYPE in request.headers.get("accept", "")
        digest = hashlib.sha256(session.encode()).hexdigest()[:SESSION_THREAD_CHARS] if session else None
        thread_id = asked.thread_id or digest
        if asked.decision:
            if thread_id is None:
                LastMessage.refuse(["thread_id"], "Name the conversation, or invoke with its session.")
            decision = asked.decision.about(asked.decision.id)
            return self._answer(await gateway.decide(caller, decision, thread_id), is_stream=is_stream)
        key, prompt = asked.idempotency_key, asked.prompt or ""
        if is_stream:
            run = gateway.stream(caller, prompt, thread_id, idempotency_key=key)
            return await EventStream(run, ChatFrames(), request.state.request_id).response()
        return self._answer(await gateway.ask(caller, prompt, thread_id, idempotency_key=key), is_stream=False)

    @staticmethod
    def _answer(reply: Reply, *, is_stream: bool) -> Response:
        if not is_stream:
            return Response(reply.model_dump_json(), media_type="application/json")
        final = Event(event="final", data=reply.model_dump(mode="json"))
        return Response(ChatFrames().of(final), headers=EventStream.HEADERS, media_type=EventStream.MEDIA_TYPE)

    async def ping(self, running: Running) -> Mapping[str, Any]:
        """Busy while a message is answered: the platform ends what has been idle for long.

        The time is when this last changed: were it always now, nothing would ever be idle; without it nothing busy.
        """
        is_busy = running.service.places.running > 0
        if is_busy != self._is_busy:
            self._is_busy, self._changed = is_busy, int(time())
        return {"status": "HealthyBusy" if is_busy else "Healthy", "time_of_last_update": self._changed}


ENDPOINT = AgentCoreEndpoint
