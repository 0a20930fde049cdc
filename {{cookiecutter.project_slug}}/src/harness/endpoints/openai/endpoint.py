"""`POST /v1/chat/completions` and `GET /v1/models`, as clients of OpenAI's API know them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from ...errors import AgentUnknown
from ...http.chat import Asker, IdempotencyKey
from ...http.endpoint import Endpoint
from ...http.gateway import Gateway
from ...http.problems import ErrorWriter
from ...http.routes import StrictRoute
from ...http.state import Running
from ...http.streaming import EventStream
from ...project import Project
from ...runtime.replies import Event
from .completions import CompletionFrames, Completions, Errors
from .front_ends import FrontEndTask
from .requests import Completion
from .settings import OpenAISettings

THREAD_HEADER: Final = "X-Thread-Id"


class OpenAIEndpoint(Endpoint):
    """The service as a model, `<project>`, and each agent that can be asked by itself as another, `<project>/<agent>`."""

    name = "openai"
    own_settings: OpenAISettings

    COMPLETIONS: ClassVar = "/v1/chat/completions"
    MODELS: ClassVar = "/v1/models"

    # What OpenAI's client sends from a web page. The other headers of a thread are sent by servers.
    request_headers = (
        THREAD_HEADER,
        *(
            f"X-Stainless-{it}"
            for it in ("Arch", "Lang", "OS", "Package-Version", "Retry-Count", "Runtime", "Runtime-Version", "Timeout")
        ),
    )
    response_headers = (THREAD_HEADER,)

    def routes(self) -> Sequence[APIRouter]:
        """Left out of our document: OpenAI's describes them, and is what their clients are made from."""
        router = APIRouter(route_class=StrictRoute, include_in_schema=False)
        router.add_api_route(self.COMPLETIONS, self.complete, methods=["POST"], response_model=None)
        router.add_api_route(self.MODELS, self.models, methods=["GET"])
        router.add_api_route(self.MODELS + "/{model:path}", self.model, methods=["GET"])
        return [router]

    def error_writers(self) -> Mapping[str, ErrorWriter]:
        """Errors of OpenAI's form: its clients read no other."""
        return dict.fromkeys((self.COMPLETIONS, self.MODELS), Errors.write)

    def body_max_bytes(self) -> Mapping[str, int]:
        """Room for the conversation so far, which every client sends each time; its last message alone counts."""
        return {self.COMPLETIONS: self.own_settings.history_body_max_bytes}

    async def complete(
        self, asked: Completion, request: Request, caller: Asker, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Answer the last message; the thread is told in the header X-Thread-Id."""
        has_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        frames = CompletionFrames(asked.model, has_usage=has_usage)
        question = asked.question
        if task := FrontEndTask.recognised(question):
            data = {"answer": task.answer}
            if asked.stream:
                return Response(frames.of(Event(event="final", data=data)), media_type=EventStream.MEDIA_TYPE)
            return JSONResponse(Completions.whole(asked.model, data))
        agent = self._agent(asked.model)
        names = self.own_settings.thread_headers
        thread_id = Gateway.thread_id(asked.thread(request.headers, names), idempotency_key)
        gateway, told = self.gateway(request), {THREAD_HEADER: thread_id}
        if asked.stream:
            run = gateway.stream(caller, question, thread_id, idempotency_key=idempotency_key, only=agent)
            return await EventStream(run, frames, request.state.request_id).response(told)
        reply = await gateway.ask(caller, question, thread_id, idempotency_key=idempotency_key, only=agent)
        return JSONResponse(Completions.whole(asked.model, reply.model_dump(mode="json")), headers=told)

    async def models(self, caller: Asker, running: Running) -> dict[str, Any]:
        """All of them."""
        service = Project.load().name
        names = [service, *(f"{service}/{agent.name}" for agent in running.service.agents)]
        # The API wants to know when a model was made; nobody does.
        models = [{"id": name, "object": "model", "created": 0, "owned_by": service} for name in names]
        return {"object": "list", "data": models}

    async def model(self, model: str, caller: Asker, running: Running) -> dict[str, Any]:
        """One of them.

        Raises:
            AgentUnknown: There is no such model.
        """
        every = (await self.models(caller, running))["data"]
        found: dict[str, Any] | None = next((it for it in every if it["id"] == model), None)
        if found is None:
            raise AgentUnknown(model)
        return found

    @staticmethod
    def _agent(model: str) -> str:
        """The agent that a model is; empty: the whole service. The service itself refuses one that there is not.

        Raises:
            AgentUnknown: It is no model of this service.
        """
        service = Project.load().name
        name, _, agent = model.partition("/")
        if name != service or (model != service and not agent):
            raise AgentUnknown(model)
        return agent


ENDPOINT = OpenAIEndpoint
