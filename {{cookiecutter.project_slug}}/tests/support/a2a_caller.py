"""The service on a real socket, and the protocol's own client of it."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import uvicorn
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_data_part, new_text_part
from a2a.types.a2a_pb2 import GetTaskRequest, Message, Role, SendMessageRequest, StreamResponse, Task, TaskState

from harness.application import Application
from harness.auth.api_key import NewKey
from harness.runtime.agent import Agent, ToolResult
from harness.settings import Settings
from tests.support.agents import MoonsAgent
from tests.support.approving import AGENTS
from tests.support.callers import by

PATIENCE_SECONDS = 60
VERSION = {"A2A-Version": "1.0"}
BINDINGS = ("JSONRPC", "HTTP+JSON")


class SlowAgent(MoonsAgent):
    """Looks something up until it is let go on, or cancelled."""

    started: ClassVar[asyncio.Event]
    go_on: ClassVar[asyncio.Event]
    cancelled: ClassVar[asyncio.Event]

    @classmethod
    def reset(cls) -> None:
        """Forget the last test."""
        cls.started, cls.go_on, cls.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look_up(self, name: str) -> ToolResult:
        """The number of moons, late."""
        self.started.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await super().look_up(name)


SLOW: Sequence[type[Agent[Any]]] = [SlowAgent]


def message(text: str = "", data: Any = None, **ids: str) -> SendMessageRequest:
    parts = [new_text_part(text)] if text else [new_data_part(data)]
    return SendMessageRequest(message=Message(role=Role.ROLE_USER, message_id=uuid.uuid4().hex, parts=parts, **ids))


@dataclass
class Caller:
    """One caller: HTTP with their key, and the official client of both bindings."""

    address: str
    http: httpx.AsyncClient

    async def client(self, binding: str) -> Client:
        """The official client, by what the card says."""
        card = await A2ACardResolver(self.http, self.address).get_agent_card()
        config = ClientConfig(httpx_client=self.http, streaming=True, supported_protocol_bindings=[binding])
        return ClientFactory(config).create(card)

    async def rpc(self, method: str, params: Mapping[str, Any], **more: Any) -> Any:
        """What a JSON-RPC call answers: its document."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self.http.post("/a2a", json=body, **more)).json()

    async def send(self, text: str = "", data: Any = None, **more: Any) -> Any:
        """The task that SendMessage gives, or its error."""
        now = {"configuration": {"returnImmediately": True}} if more.pop("now", False) else {}
        part = {"text": text} if text else {"data": data}
        sent = {"role": "ROLE_USER", "messageId": uuid.uuid4().hex, "parts": [part], **more}
        told = await self.rpc("SendMessage", {"message": sent, **now})
        return told["error"] if "error" in told else told["result"]["task"]

    async def task(self, task_id: str) -> Any:
        """The task as GetTask gives it, or its error."""
        told = await self.rpc("GetTask", {"id": task_id})
        return told.get("result") or told["error"]

    async def state(self, task_id: str) -> str:
        """Its state, without the prefix."""
        return short((await self.task(task_id))["status"]["state"])

    async def until(self, task_id: str, state: str) -> None:
        """Wait until the task has this state."""
        while await self.state(task_id) != state:  # noqa: ASYNC110  # over HTTP there is no event for it
            await asyncio.sleep(0.01)


def short(state: str | int) -> str:
    """A state as people call it."""
    name = state if isinstance(state, str) else TaskState.Name(state)
    return str(name).removeprefix("TASK_STATE_").lower()


def names(events: Sequence[StreamResponse]) -> list[str]:
    """What a stream has told, in short."""
    told = []
    for event in events:
        kind = event.WhichOneof("payload")
        match kind:
            case "task":
                told.append(f"task {short(event.task.status.state)}")
            case "status_update":
                told.append(short(event.status_update.status.state))
            case _:
                told.append(str(kind))
    return told


async def all_of(events: AsyncIterator[StreamResponse]) -> list[StreamResponse]:
    return [event async for event in events]


async def sent(client: Client, request: SendMessageRequest) -> Task:
    """The task that a message has led to, read afterwards."""
    events = await all_of(client.send_message(request))
    return await client.get_task(GetTaskRequest(id=events[0].task.id))


class A2AServer:
    """A started service on a socket of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address

    @asynccontextmanager
    async def caller(self, key: NewKey | None = None) -> AsyncIterator[Caller]:
        """A caller with this key."""
        headers = {**VERSION, **(by(key) if key else {})}
        async with httpx.AsyncClient(base_url=self.address, headers=headers, timeout=PATIENCE_SECONDS) as http:
            yield Caller(self.address, http)

    @classmethod
    @asynccontextmanager
    async def of(
        cls, settings: Settings | None = None, agents: Sequence[type[Agent[Any]]] = AGENTS
    ) -> AsyncIterator["A2AServer"]:
        """The service with these settings; it knows its address."""
        taken = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings = (settings or Settings(database_url="memory://")).model_copy(update={"public_url": address})
        app = Application(agents).create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        serving = asyncio.create_task(server._serve([taken]))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not server.started:  # noqa: ASYNC110  # uvicorn tells it by this flag alone
                    await asyncio.sleep(0.01)
            yield cls(address)
        finally:
            server.should_exit = True
            await serving
