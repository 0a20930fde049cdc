"""A conversation with a service around a graph whose model says what a test tells it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel

from harness import service as services
from harness.application import Application
from harness.runtime.agent import Agent
from harness.runtime.flows import Flow, OwnGraph
from harness.runtime.guarded_tools import tools
from harness.runtime.replies import Event, Reply
from harness.runtime.state import Decision
from harness.service import Service
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.scripted import Say, ScriptedFactory

T = ThreadRef("t", PUBLIC)


def call(tool: str, **arguments: Any) -> AIMessage:
    """A model's call of a tool."""
    return AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": f"{tool} {arguments}"}])


class InTurn:
    """A model's answers one after the other, whoever asks; and what it was asked."""

    def __init__(self, *answers: AIMessage | str) -> None:
        self._answers = list(answers)
        self.heard: list[list[BaseMessage]] = []

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.heard.append([*messages])
        answer = self._answers.pop(0)
        return AIMessage(answer) if isinstance(answer, str) else answer.model_copy(deep=True)


class Shop:
    """A tool that reads and one that writes, and what has been written."""

    def __init__(self) -> None:
        self.ran: list[tuple[int, str]] = []
        self.find, self.cancel = self.tools()

    def tools(self) -> list[BaseTool]:
        """Both, inside of their policy."""

        def find(number: int) -> dict[str, Any]:
            """Find an order."""
            return {"order": number, "state": "open"}

        def cancel(number: int, reason: str = "none") -> str:
            """Cancel an order."""
            self.ran.append((number, reason))
            return f"order {number} is cancelled"

        policy = Policy(tools=frozenset({"find"}), requires_approval=frozenset({"cancel"}))
        return tools(find, cancel, policy=policy, agent="shop")


class Talk:
    """One conversation."""

    def __init__(self, service: Service, store: MemoryStore) -> None:
        self.service = service
        self.store = store
        self.last: Reply | None = None

    async def say(self, message: str, thread: ThreadRef = T) -> Reply:
        self.last = await self.service.ask(message, thread)
        return self.last

    async def decide(self, verdict: Any = "approve", at: int = 0, **more: Any) -> Reply:
        assert self.last is not None
        self._decision = cast("Decision", {"id": self.last.approvals[at].id, "verdict": verdict, **more})
        self.last = await self.service.decide(self._decision, T)
        return self.last

    async def again(self) -> Reply:
        """The last decision once more."""
        return await self.service.decide(self._decision, T)

    async def events(self, message: str) -> AsyncIterator[Event]:
        async with aclosing(self.service.stream(message, T)) as events:
            async for event in events:
                yield event

    async def streamed(self, message: str) -> list[tuple[str, Any]]:
        """Kind and text of the events that a reader of the answer sees."""
        shown = {"token": "text", "withdrawn": "because", "final": "answer"}
        return [
            (it["event"], it["data"][shown[it["event"]]]) async for it in self.events(message) if it["event"] in shown
        ]


class Stage:
    """Begins conversations, and ends their services."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settings = settings.model_copy(update={"language": "en"})
        self._monkeypatch = monkeypatch
        self._services: list[Service] = []

    def __call__(
        self,
        flow: Flow | Pregel[Any, Any, Any, Any],
        say: Say | str | None = None,
        agents: Sequence[type[Agent[Any]]] = (),
        *,
        ports: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Talk:
        """A conversation with a service of this flow or graph; its models say what `say` does, or what they embed."""
        scripts: dict[str, Any] = {} if say is None else {"agent": say}
        self._monkeypatch.setattr(services, "LLMFactory", partial(ScriptedFactory, **scripts))
        if isinstance(flow, Pregel):
            flow = OwnGraph(flow, **(ports or {}))
        store = MemoryStore()
        changed = self._settings.model_copy(update=settings)
        service = Service(changed, agents, store, application=Application(agents, flow=flow))
        self._services.append(service)
        return Talk(service, store)

    async def aclose(self) -> None:
        for service in self._services:
            await service.aclose()
