"""The service's graph as the server holds it: its form and schemas are the graph's, a run of it is the service's."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from contextvars import Context
from typing import Any, Final, NoReturn, Self
from uuid import UUID, uuid5

from fastapi import FastAPI
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt, PregelTask, StateSnapshot

from ...auth.principal import Principal, Scope
from ...errors import InputRefused, ServiceError, ThreadUnknown
from ...prompts.messages import Messages
from ...runtime.replies import ApprovalRequest, Event
from ...runtime.threads import Message, Thread
from ..failures import Failure
from ..gateway import Gateway
from ..run_stream import HEARTBEAT
from ..state import AppState
from .inputs import MASKED, RunInput
from .queue import RunQueue

GRANTS: Final = "v1"
"""The server's threads and runs may do what the service's own API may, for the same scopes."""

WAITING: Final = "approve"
"""The node in which a run waits for a person."""


class RunRefused(RuntimeError):
    """A run that ended without a reply, in words for its caller: of this base class the server shows them."""


class ServedGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """One caller's way to the graph. Threads are the service's, in its own store; the server's saver holds nothing.

    So what a caller tells the server about a state does not count: a checkpoint, an update, a step to go to. What
    a run shows is the events of `/v1/chat/stream`, and its reply.
    """

    def __init__(self, *, app: FastAPI, caller: Principal, **parts: Any) -> None:
        """`parts` are those of the graph."""
        super().__init__(**parts)
        self.app = app
        self.caller = caller

    @classmethod
    def of(cls, app: FastAPI, caller: Principal) -> Self:
        """The graph of the service that `app` serves, for `caller`."""
        running: AppState = app.state.running
        parts = {name: it for name, it in vars(running.service.graph).items() if name != "__orig_class__"}
        return cls(**parts | {"checkpointer": None}, app=app, caller=caller)

    @property
    def _running(self) -> AppState:
        running: AppState = self.app.state.running
        return running

    @property
    def _gateway(self) -> Gateway:
        return self._running.gateway(GRANTS)

    @staticmethod
    def thread_id(config: RunnableConfig | None) -> str:
        """The server's thread as the service names it; one that the service has named is the same here."""
        return UUID(str((config or {}).get("configurable", {})["thread_id"])).hex

    async def astream(  # type: ignore[override]  # what the server asks for, and no more
        self,
        input: Any,  # noqa: A002  # the library's name
        config: RunnableConfig | None = None,
        *,
        stream_mode: str | Collection[str] = "values",
        subgraphs: bool = False,
        **_: Any,
    ) -> AsyncGenerator[Any]:
        """The run's events as `custom`, what it leaves as `values`, and as `debug` for the server's own record.

        The other modes would show what the guards have not seen: they are empty.

        Raises:
            RunRefused: There is no reply; it says why.
        """
        thread_id = self.thread_id(config)
        modes = {stream_mode} if isinstance(stream_mode, str) else {*stream_mode}
        try:
            async with aclosing(self._events(input, thread_id)) as events:
                async for event in events:
                    parts: Sequence[tuple[str, Any]] = [("custom", event)]
                    if event["event"] == "final":
                        event["data"]["notices"] += self._masked(event["data"], config)
                        parts = [*parts, *await self._left(event["data"], thread_id, config)]
                    for mode, part in parts:
                        if mode in modes:
                            yield ((), mode, part) if subgraphs else (mode, part)
        except Exception as error:  # noqa: BLE001  # the server would show all of it, or nothing
            raise RunRefused(Failure.recorded(error, self._run_id(config)).text) from None
        finally:
            RunQueue.of(self.app).end(self._run_id(config))
            if self.checkpointer is None:  # the server keeps no thread of this run
                with suppress(ServiceError):
                    await self._running.threads.delete(self.caller.conversation(thread_id))

    async def astream_events(  # type: ignore[override]  # as above
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        *,
        stream_mode: str | Collection[str] = "values",
        subgraphs: bool = False,
        **_: Any,
    ) -> AsyncGenerator[Any]:
        """The same in the form of this interface, and no event of a model or a tool."""
        about = {"event": "on_chain_stream", "name": self.name, "run_id": self._run_id(config), "parent_ids": []}
        steps = self.astream(input, config, stream_mode=stream_mode, subgraphs=subgraphs)
        async with aclosing(steps):
            async for step in steps:
                yield {**about, "tags": [], "metadata": {}, "data": {"chunk": step}}

    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """What the service remembers of the thread, and the calls that wait; raises what `Gateway.read` does."""
        thread_id = self.thread_id(config)
        try:
            thread = await self._gateway.read(self.caller, thread_id)
        except ThreadUnknown:
            thread = Thread(thread_id=thread_id, updated_at="", messages=[])
        interrupts = self._interrupts(thread.approvals)
        tasks = tuple(PregelTask(it.id, WAITING, (), interrupts=(it,)) for it in interrupts)
        return StateSnapshot(
            values={"messages": self._messages(thread_id, thread.messages)},
            next=(WAITING,) if tasks else (),
            config=config,
            metadata=None,
            created_at=thread.updated_at or None,
            parent_config=None,
            tasks=tasks,
            interrupts=interrupts,
        )

    async def aget_state_history(self, config: RunnableConfig, **_: Any) -> AsyncIterator[StateSnapshot]:
        """The thread as it is: there is no going on from its past."""
        yield await self.aget_state(config)

    async def aupdate_state(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse it.

        Raises:
            InputRefused: Always: a thread is what runs have left.
        """
        raise InputRefused("state", "no caller writes one; ask, or decide")

    async def abulk_update_state(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse it, as above."""
        await self.aupdate_state()

    async def _events(self, given: Any, thread_id: str) -> AsyncGenerator[Event]:
        """The run's events. It runs in a context of its own: the server's holds its saver and its callbacks."""
        here = Context()
        if isinstance(given, Command):
            if given.update or given.goto:
                raise InputRefused("command", RunInput.DECISION)
            decided = self._gateway.decide(self.caller, RunInput.decision(given.resume), thread_id)
            # Carried out, whether or not its caller stays.
            reply = await asyncio.shield(asyncio.get_running_loop().create_task(decided, context=here))
            yield Event(event="final", data=reply.model_dump(mode="json"))
            return
        async with here.run(self._gateway.stream, self.caller, RunInput.message(given), thread_id) as run:
            async for event in run:
                if event is not HEARTBEAT:
                    yield event

    async def _left(
        self, reply: Mapping[str, Any], thread_id: str, config: RunnableConfig | None
    ) -> Sequence[tuple[str, Any]]:
        """The reply and the conversation; of a caller who may not read it, the answer alone."""
        messages = self._messages(thread_id, [Message(role="assistant", text=reply["answer"])])
        if Scope.THREADS in self.caller.scopes:
            messages = (await self.aget_state(RunnableConfig(configurable={"thread_id": thread_id}))).values["messages"]
        interrupts = self._interrupts([ApprovalRequest.model_validate(it) for it in reply["approvals"]])
        values = {"messages": messages, "reply": reply}
        record = {
            "config": config,
            "parent_config": None,
            "metadata": {},
            "values": values,
            "next": [WAITING] if interrupts else [],
            "tasks": [{"id": it.id, "interrupts": [{"id": it.id, "value": it.value}]} for it in interrupts],
        }
        shown = {**values, "__interrupt__": interrupts} if interrupts else values
        return ("values", shown), ("debug", {"type": "checkpoint", "payload": record})

    @staticmethod
    def _masked(reply: Mapping[str, Any], config: RunnableConfig | None) -> list[str]:
        """What the reply says of personal data that was masked before the server kept the message."""
        kinds = (config or {}).get("configurable", {}).get(MASKED)
        language = reply["language"]
        return [Messages.MASKED.format(language, kinds=Messages.kinds(kinds, language))] if kinds else []

    @staticmethod
    def _run_id(config: RunnableConfig | None) -> str:
        given: Mapping[str, Any] = config or {}
        return str(given.get("run_id") or given.get("configurable", {}).get("run_id", ""))

    @staticmethod
    def _interrupts(calls: Sequence[ApprovalRequest]) -> tuple[Interrupt, ...]:
        """Each call that waits, as it was shown."""
        return tuple(Interrupt(value=[it.model_dump(mode="json")], id=it.id) for it in calls)

    @staticmethod
    def _messages(thread_id: str, messages: Sequence[Message]) -> list[dict[str, str]]:
        """As chat clients show them; ids stay when the oldest are forgotten."""
        seen = Counter[str]()
        told = []
        for it in messages:
            text = f"{it.role}\n{it.text}"
            seen[text] += 1
            name = str(uuid5(UUID(thread_id), f"{seen[text]}\n{text}"))
            told.append({"type": "human" if it.role == "user" else "ai", "content": it.text, "id": name})
        return told
