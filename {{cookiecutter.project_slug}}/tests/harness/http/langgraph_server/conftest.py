"""The graph as a LangGraph server holds it, without one: what the server does with it is done here by hand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from harness.application import Application
from harness.auth.principal import Principal, Scope
from harness.http.langgraph_server.graph import ServedGraph
from harness.settings import Settings
from tests.conftest import Door
from tests.support.approving import AGENTS

ANA = Principal.from_key("ana", Scope)
EVE = Principal.from_key("eve", Scope)


@dataclass(frozen=True)
class Server:
    """Runs a graph for a caller, as the server does: a copy with the server's saver, asked for the modes that it needs."""

    door: Door
    saver: InMemorySaver

    def graph(self, caller: Principal = ANA, *, is_stateless: bool = False) -> ServedGraph:
        """What the server runs."""
        return ServedGraph.of(self.door.app, caller).copy({"checkpointer": None if is_stateless else self.saver})

    @staticmethod
    def config(thread: str, **more: Any) -> RunnableConfig:
        """Of a run in a thread; the server names threads with hyphens."""
        return RunnableConfig(configurable={"thread_id": thread, "run_id": "r1", **more})

    async def parts(
        self, given: Any, thread: str, modes: Sequence[str] = ("custom", "values", "debug"), **more: Any
    ) -> list[tuple[str, Any]]:
        """What a run streams."""
        config = self.config(thread, **more.pop("configurable", {}))
        graph = self.graph(more.pop("caller", ANA), is_stateless=more.pop("is_stateless", False))
        return [it async for it in graph.astream(given, config, stream_mode=modes, **more)]

    async def values(self, message: str, thread: str, **more: Any) -> Mapping[str, Any]:
        """What a run leaves."""
        ((_, values),) = await self.parts({"message": message}, thread, ["values"], **more)
        return dict(values)


Starts = Callable[..., Awaitable[Server]]


@pytest.fixture
def starts(door: Door) -> Starts:
    """Starts the service that a server has."""

    async def start(application: Application | None = None, **settings: Any) -> Server:
        application = application or Application(AGENTS)
        app = application.create_app(Settings(database_url="memory://", **settings))
        await door.client(app)
        return Server(door, InMemorySaver())

    return start


@pytest.fixture
def thread() -> str:
    """A thread as the server names it."""
    return str(uuid4())
