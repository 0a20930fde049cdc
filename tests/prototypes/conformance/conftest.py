"""One prototype as the flow of this service, on a socket, before a scripted model: `PROTOTYPE` names it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import langchain_openai  # noqa: F401  # imported late otherwise, in the middle of a deadline
import orjson
import pytest
import uvicorn

from app.main import application
from harness import Application
from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from tests.conftest import Lines
from tests.prototypes.scripts import CASES, ORDER, Case, Role, is_whole
from tests.prototypes.spies import Spies
from tests.support.peers.data_sources import DataSources, Json
from tests.support.peers.openai_replies import Failure, Reply, Request
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY

NAME = os.environ["PROTOTYPE"]
ALL = [Scope.CHAT, Scope.THREADS, Scope.APPROVE]
ANA, EVE = (NewKey.make(name, ALL, None) for name in ("ana", "eve"))
DEADLINE_SECONDS = 3.0
"""Of a request behind which something hangs."""
CALM_SECONDS = 30.0
"""Of the others."""

Event = tuple[str, dict[str, Any], float]
"""Name, data, and when it came."""


class ScriptedModel:
    """Plays the roles of the prototype, unless a test breaks it or puts somebody else in their place."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._broken: dict[str, Reply] = {}
        self._good_left = 0
        self.roles: dict[str, Role] = dict(case.roles)

    def breaks(self, fault: Reply, model: str = "scripted-first") -> None:
        """Answer so to whoever asks for `model`."""
        self._broken[model] = fault

    def breaks_after(self, fault: Reply, calls: int) -> None:
        """The same, after so many good answers."""
        self._good_left = calls
        self.breaks(fault)

    def heal(self) -> None:
        """Answer well again."""
        self._broken.clear()

    def __call__(self, request: Request) -> Reply:
        if self._good_left:
            self._good_left -= 1
        elif fault := self._broken.get(request.model):
            return fault
        if not is_whole(request):
            return Failure(400, "a tool call without its result, or a result without its call")
        first = str(request.messages[0]["content"])
        return next(play for words, play in self.roles.items() if words in first)(request)


@dataclass
class Served:
    """The service with the prototype in it, and what a test does with it."""

    case: Case
    module: ModuleType
    model: ScriptedModel
    server: OpenAIServer
    spies: Spies
    lines: Lines
    folder: Path
    application: Application = application
    client: httpx2.AsyncClient = field(init=False)
    took_seconds: float = 0
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _serving: asyncio.Task[None] | None = None
    _uvicorn: uvicorn.Server | None = None

    async def start(self, **changes: Any) -> None:
        """Start it with other settings."""
        keys = self.folder / "keys.jsonl"
        keys.write_text("".join(f"{key.record.line}\n" for key in (ANA, EVE)))
        values: dict[str, Any] = {
            "database_url": "memory://",
            "log_format": "json",
            "authentication": "keys",
            "api_keys_file": keys,
            "llm_model": "openai:scripted-first",
            "llm_base_url": self.server.url,
            "llm_api_key": KEY,
            "llm_max_retries": 0,
            "use_fake_data": False,
            "request_timeout_seconds": CALM_SECONDS,
        }
        app = self.application.create_app(application.settings(**values | changes))
        await self._open.enter_async_context(app.router.lifespan_context(app))
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off")
        self._uvicorn = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._uvicorn._serve())
        while not self._uvicorn.started:  # noqa: ASYNC110  # it tells it by this flag alone
            await asyncio.sleep(0.01)
        port = self._uvicorn.servers[0].sockets[0].getsockname()[1]
        self.client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=CALM_SECONDS)

    async def stop(self) -> None:
        """End it; what still hangs is let go."""
        self.spies.released.set()
        if self._uvicorn and self._serving and not self._serving.done():
            await self.client.aclose()
            self._uvicorn.should_exit = True
            await self._serving
        await self._open.aclose()

    async def post(self, path: str, body: Any, by: NewKey = ANA) -> httpx2.Response:
        """Send it as one of the two callers; no answer shows a secret or the inside."""
        started = time.monotonic()
        answer = await self.client.post(path, json=body, headers=self.named(by))
        self.took_seconds = time.monotonic() - started
        self.check(answer.text)
        return answer

    async def ask(self, message: str, thread: str = "t1", by: NewKey = ANA) -> dict[str, Any]:
        """The reply of `POST /v1/chat`."""
        answer = await self.post("/v1/chat", {"message": message, "thread_id": thread}, by)
        assert answer.status_code == 200, answer.text
        reply: dict[str, Any] = answer.json()
        assert reply["degraded"] is bool(reply["degraded_because"])
        return reply

    async def stream(self, message: str, thread: str = "t1", by: NewKey = ANA) -> list[Event]:
        """The events of `POST /v1/chat/stream`, as they come."""
        found: list[Event] = []
        body = {"message": message, "thread_id": thread}
        started, name = time.monotonic(), ""
        async with self.client.stream("POST", "/v1/chat/stream", json=body, headers=self.named(by)) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    found.append((name, orjson.loads(line.removeprefix("data: ")), time.monotonic()))
        self.took_seconds = time.monotonic() - started
        self.check(str(found))
        return found

    async def decide(self, approval: dict[str, Any], decision: str = "approve", by: NewKey = ANA) -> httpx2.Response:
        """The answer to a decision of a person."""
        return await self.post(f"/v1/threads/t1/approvals/{approval['id']}", {"decision": decision}, by)

    async def thread(self, thread: str = "t1", by: NewKey = ANA) -> httpx2.Response:
        """What is kept of a conversation."""
        return await self.client.get(f"/v1/threads/{thread}", headers=self.named(by))

    @staticmethod
    def named(key: NewKey) -> dict[str, str]:
        """The header that says who calls."""
        return {"Authorization": f"Bearer {key.text}"}

    def check(self, text: str) -> None:
        """What holds for every answer."""
        assert KEY not in text + self.lines.text
        assert "Traceback" not in text
        assert not self.lines.named("deadline_passed")

    def models(self) -> list[str]:
        """Which model was asked, request by request."""
        return [it.model for it in self.server.requests]


@pytest.fixture
def case() -> Case:
    return CASES[NAME]


@pytest.fixture
def shop() -> Iterator[DataSources]:
    with DataSources() as sources:
        sources.answer("/orders/7", Json(ORDER))
        sources.answer("/orders/7/cancel", Json({"state": "cancelled"}))
        yield sources


@pytest.fixture
async def served(
    case: Case, shop: DataSources, lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """The service, not started yet."""
    module = import_module(f"app.{NAME}")
    monkeypatch.setattr(module, "SHOP", shop.address, raising=False)
    model = ScriptedModel(case)
    spies = Spies(module, tuple(case.tools))
    with OpenAIServer(model) as server:
        served = Served(case, module, model, server, spies, lines, tmp_path)
        yield served
        await served.stop()
        spies.restore()
