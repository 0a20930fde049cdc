"""`POST /v1/agui`: runs as front ends that speak AG-UI start, watch and resume them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response

from ...http.chat import Asker
from ...http.endpoint import Endpoint
from ...http.failures import Failure
from ...http.gateway import Gateway
from ...http.routes import StrictRoute
from ...http.streaming import EventStream
from ...runtime.replies import Event
from .frames import AGUIFrames
from .requests import RunRequest
from .settings import AGUISettings


class AGUIEndpoint(Endpoint):
    """One run a request. A refusal before its first event has a status and a problem document, as at `/v1`."""

    name = "agui"
    own_settings: AGUISettings
    PATH: ClassVar = "/v1/agui"

    def routes(self) -> Sequence[APIRouter]:
        """Left out of our document: the protocol's own describes it."""
        router = APIRouter(route_class=StrictRoute, include_in_schema=False)
        router.add_api_route(self.PATH, self.run, methods=["POST"], response_model=None)
        return [router]

    def body_max_bytes(self) -> Mapping[str, int]:
        """Room for the conversation so far, which every client sends each time; its last message alone counts."""
        return {self.PATH: self.own_settings.history_body_max_bytes}

    async def run(self, asked: RunRequest, request: Request, caller: Asker) -> Response:
        """Answer the last message, or go on after the answers to interrupts; `runId` again gets the same reply.

        Decisions are made before the answer begins, and whether or not the caller stays.
        """
        frames = AGUIFrames(asked)
        gateway = self.gateway(request)
        if not asked.resume:
            run = gateway.stream(caller, asked.message, asked.thread_id, idempotency_key=asked.run_id)
            return await EventStream(run, frames, request.state.request_id).response()
        final = Event(event="final", data=await self._decided(asked, caller, gateway, request.state.request_id))
        return Response(frames.of(final), headers=EventStream.HEADERS, media_type=EventStream.MEDIA_TYPE)

    @staticmethod
    async def _decided(asked: RunRequest, caller: Asker, gateway: Gateway, request_id: str) -> dict[str, Any]:
        """The last reply, which also says what was not decided; an error only where nothing was."""
        told, failed = dict[str, Any](), list[str]()
        first: Exception | None = None
        for decision in asked.decisions():
            try:
                reply = await gateway.decide(caller, decision, asked.thread_id)
            except Exception as error:  # noqa: BLE001  # another decision may have been carried out
                first = first or error
                failed.append(f"{decision['id']}: {Failure.recorded(error, request_id).text}")
            else:
                told = reply.model_dump(mode="json")
        if first and not told:
            raise first
        return told | {"notices": [*told["notices"], *failed]}


ENDPOINT = AGUIEndpoint
