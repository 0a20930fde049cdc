"""The service over HTTP with a model behind a real socket that a test breaks, role by role."""

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from harness.runtime.agent import Agent
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.agents import TEST_AGENTS
from tests.support.approving import AGENTS as ORDERS
from tests.support.callers import ANA, ANA_TOO, COLLECTOR, EVE, TALKER, Guarded
from tests.support.peers.openai_replies import Reply, Request
from tests.support.peers.openai_server import OpenAIServer, Script
from tests.support.scripted_model import KEY, QUESTION, ScriptedModel
from tests.support.writing_agent import OrdersAgent

DEADLINE_SECONDS = 3.0
"""Of a request behind which something hangs."""

PATIENCE_SECONDS = 5 * DEADLINE_SECONDS
"""How late its answer may come on a busy machine; left alone, a call waits for 20 s and more."""

CALM_SECONDS = 30.0
"""Deadline of the other requests: what fails at once needs none."""

QUICK_VARIANTS = 3
"""Of one test, in `make test`."""

ROLES = ("planner", "agent", "writer")


class BreakableModel(ScriptedModel):
    """Answers as the good model does, except in the roles that a test breaks."""

    def __init__(self) -> None:
        super().__init__()
        self._broken: dict[str, Reply | Script] = {}

    def breaks(self, fault: Reply | Script, *roles: str) -> None:
        """Answer with `fault` in `roles`, in all of them when none is named."""
        self._broken.update(dict.fromkeys(roles or ROLES, fault))

    def heal(self) -> None:
        """Answer well again."""
        self._broken.clear()

    def __call__(self, request: Request) -> Reply:
        fault = self._broken.get(request.model.removeprefix("scripted-"))
        if fault is None:
            return super().__call__(request)
        return fault if isinstance(fault, Reply) else fault(request)


@dataclass
class Served:
    """What a test has in hands: the model, the service, and what they were asked."""

    door: Door
    lines: Lines
    model: BreakableModel
    server: OpenAIServer
    client: httpx2.AsyncClient = field(init=False)
    took_seconds: float = 0

    async def start(self, *agents: type[Agent[Any]], model_url: str = "", **changes: Any) -> None:
        """Start the service with other settings."""
        values: dict[str, Any] = {
            "database_url": "memory://",
            "log_format": "json",
            "llm_model": "openai:scripted-agent",
            "llm_planner_model": "openai:scripted-planner",
            "llm_writer_model": "openai:scripted-writer",
            "llm_base_url": model_url or self.server.url,
            "llm_api_key": KEY,
            "request_timeout_seconds": CALM_SECONDS,
        }
        self.client = await self.door.open(Settings(**values | changes), agents or TEST_AGENTS)

    async def start_hurried(self, *agents: type[Agent[Any]], **changes: Any) -> None:
        """Start it with the short deadline, its first question answered: SDKs import late."""
        hurried = {"request_timeout_seconds": DEADLINE_SECONDS, "answer_cache_ttl_seconds": 0}
        await self.start(*agents, **hurried | changes)
        await self.client.post("/v1/chat", json={"message": QUESTION})
        self.server.requests.clear()

    async def ask(self, message: str, thread_id: str | None = None) -> dict[str, Any]:
        """The reply of `POST /v1/chat`; it has come in time and shows nothing of the fault."""
        body = {"message": message, "thread_id": thread_id}
        started = time.monotonic()
        answer = await self.client.post("/v1/chat", json=body)
        self.took_seconds = time.monotonic() - started
        self.check(answer.text)
        assert answer.status_code == 200, answer.text
        reply: dict[str, Any] = answer.json()
        assert reply["degraded"] is bool(reply["degraded_because"])
        return reply

    async def stream(self, message: str) -> list[tuple[str, dict[str, Any]]]:
        """The events of `POST /v1/chat/stream`, each a name and its data."""
        started = time.monotonic()
        answer = await self.client.post("/v1/chat/stream", json={"message": message})
        self.took_seconds = time.monotonic() - started
        self.check(answer.text)
        frames = [frame.split("\n") for frame in answer.text.strip().split("\n\n")]
        return [
            (name.removeprefix("event: "), orjson.loads(data.removeprefix("data: ")))
            for _, name, data in (frame for frame in frames if len(frame) == 3)
        ]

    def check(self, text: str) -> None:
        """What holds for every answer: in time, by its shares of it, and without a secret."""
        assert self.took_seconds < PATIENCE_SECONDS
        assert not self.lines.named("deadline_passed")
        assert KEY not in text + self.lines.text
        assert "Traceback" not in text

    def asked(self, role: str) -> list[Request]:
        """What the model was asked in one role."""
        return [it for it in self.server.requests if it.model == f"scripted-{role}"]


@pytest.fixture
def model_server() -> Iterator[tuple[BreakableModel, OpenAIServer]]:
    model = BreakableModel()
    with OpenAIServer(model) as server:
        yield model, server


@pytest.fixture
async def served(door: Door, lines: Lines, model_server: tuple[BreakableModel, OpenAIServer]) -> AsyncIterator[Served]:
    """The service, not started yet, before a model that answers well."""
    model, server = model_server
    yield Served(door, lines, model, server)
    await door.close()  # before the model: what still waits for it is cancelled


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    file = tmp_path / "keys.jsonl"
    made = (ANA, ANA_TOO, EVE, TALKER, COLLECTOR)
    file.write_text("".join(f"{key.record.line}\n" for key in made))
    values: dict[str, Any] = {
        "database_url": "memory://",
        "authentication": "keys",
        "api_keys_file": file,
        "turn_wait_seconds": 0.05,
    }
    return Guarded(Settings(**values), file)


@pytest.fixture
def closed_port() -> int:
    """A port that refuses every connection."""
    with ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def no_order_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrdersAgent, "ran", [])
    monkeypatch.setenv("LANGUAGE", "en")  # "Cancel order 7" tells none


@pytest.fixture
async def shop(door: Door, url: str) -> httpx2.AsyncClient:
    """The service with an agent that writes, on each kind of store."""
    return await door.open(Settings(database_url=url), ORDERS)


@pytest.fixture
async def shop_in_memory(door: Door) -> httpx2.AsyncClient:
    """The same in memory, for what no store has a part in."""
    return await door.open(Settings(database_url="memory://"), ORDERS)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with many variants some run in `make test`, spread evenly; all in `make readiness`."""
    variants: dict[object, list[pytest.Item]] = {}
    functions = [it for it in items if isinstance(it, pytest.Function) and Path(__file__).parent == it.path.parent]
    for function in functions:
        if not function.get_closest_marker("slow"):
            variants.setdefault((function.path, function.originalname), []).append(function)
    for of_one_test in variants.values():
        step = max(len(of_one_test) / QUICK_VARIANTS, 1)
        quick = {int(number * step) for number in range(QUICK_VARIANTS)}
        for number, item in enumerate(of_one_test):
            if number not in quick:
                item.add_marker(pytest.mark.slow)
