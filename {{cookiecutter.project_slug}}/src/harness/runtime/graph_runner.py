"""Runs a graph of one's own inside of a run: its memory, its models and tools, its questions and its answer."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import structlog
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.config import get_stream_writer
from langgraph.pregel import Pregel
from langgraph.types import Command, GraphOutput, Interrupt
from pydantic_core import to_jsonable_python

from ..errors import ModelUnavailable
from ..guards.injection_guard import ToolResults
from ..guards.output import OutputPolicy
from ..guards.tool_policy import PendingToolCall
from ..models.factory import LLMFactory
from ..run_context import RunContext
from ..settings import Settings
from ..sources.resources import SourceConnections
from ..storage.store import Store
from .agent import ToolResult
from .graph_check import GraphCheck
from .graph_ports import MESSAGES, GraphPorts
from .guarded_tools import GUARDED
from .replies import Event
from .state import Turn
from .unguarded_calls import UnguardedCalls

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GraphHost:
    """What a graph's models and tools use of the service."""

    settings: Settings
    factory: LLMFactory
    results: ToolResults
    outgoing: OutputPolicy
    store: Store | None = None
    connections: SourceConnections | None = None


class WaitingCall(NamedTuple):
    """A call for which a graph waits, and the interrupt that its decision resumes."""

    call: PendingToolCall
    interrupt: str
    form: str
    """`approval` of a guarded tool, `middleware` of LangChain's, or `value`: a question with a structured answer."""


@dataclass(frozen=True, slots=True)
class GraphResult:
    """What a graph left: an answer, a question back, or calls that wait."""

    text: str = ""
    asked: str = ""
    waiting: Sequence[WaitingCall] = ()
    remembered: Sequence[str] = ()
    """What tools have brought in this conversation, as its messages hold it, and what was answered."""


class GraphRunner:
    """One compiled graph; built once, used by every run."""

    def __init__(self, name: str, graph: Pregel[Any, Any, Any, Any], ports: GraphPorts) -> None:
        """Look through `graph`, and take the place of a saver and store of its own.

        Raises:
            ConfigurationError: A tool node in it has a tool that no policy names; or its input or
                output is not a key of its state.
        """
        self.name = name
        self._ports = ports
        GraphCheck(name, graph).check(ports)
        brought = [it for it in ("checkpointer", "store") if getattr(graph, it, None) not in (None, False)]
        for kind in brought:
            own = type(getattr(graph, kind)).__name__
            log.warning("replaced", graph=name, kind=kind, own=own, by="the service's, by DATABASE_URL")
        has_saver = "checkpointer" in brought
        remembers = MESSAGES in graph.channels or has_saver
        self._has_memory = remembers if ports.has_memory is None else ports.has_memory
        self._graph = graph

    async def run(self, question: str, message: str = "", past: Sequence[Turn] = ()) -> GraphResult:
        """The graph's answer to `question`; or, to what it asked before, the whole `message` of the user.

        Where its memory did not come along with a conversation that was moved, it begins with turns of its `past`.
        """
        graph, config = self._prepared()
        state = await graph.aget_state(config)
        if open_question := self._open_question(state.interrupts):
            before = [it.text for it in self._ports.turn(state.values) if isinstance(it, ToolMessage)]
            if (evidence := RunContext.current().evidence) is not None:
                evidence.append(ToolResult({"before": before} if before else {}))
            return self._result(
                await self._steps_of(graph, Command(resume={open_question.id: message or question}), config)
            )
        if not self._has_memory and state.created_at:
            await self._saver.adelete_thread(config["configurable"]["thread_id"])
        begins = self._has_memory and not state.created_at
        given = self._ports.given(question, state.values or {}, graph, past if begins else ())
        return self._result(await self._steps_of(graph, given, config))

    async def resume(self, interrupt: str, value: Any) -> GraphResult:
        """What the graph does after a decision about one call, its value given to the interrupt."""
        graph, config = self._prepared()
        return self._result(await self._steps_of(graph, Command(resume={interrupt: value}), config))

    async def ask(self, question: str) -> str:
        """The answer of the graph inside of another one, in whose run it waits and asks.

        Raises:
            ModelUnavailable: It says nothing.
        """
        graph = self._graph.copy(update={"checkpointer": None, "store": None})
        run = RunContext.current()
        about = (run.thread.owner or GraphCheck.ANYBODY, run.thread.thread_id) if run.thread else ("", "")
        left = await graph.ainvoke(self._ports.given(question, {}, graph), context=GraphCheck.context(graph, *about))
        if text := self._ports.text(self._state(left)).strip():
            return text
        raise ModelUnavailable("agent", "said nothing")

    @staticmethod
    def _state(left: Any) -> Mapping[str, Any]:
        """What a graph leaves as a mapping; an entrypoint leaves a value."""
        return left if isinstance(left, Mapping) else {"output": left}

    @property
    def _saver(self) -> Any:
        host = RunContext.current().host
        return host.store.saver if host and host.store else None

    def _prepared(self) -> tuple[Pregel[Any, Any, Any, Any], RunnableConfig]:
        run = RunContext.current()
        owner = run.thread.owner if run.thread else ""
        memory = run.host.store.memory(owner) if run.host and run.host.store else None
        graph = self._graph.copy(update={"checkpointer": self._saver, "store": memory})
        settings = run.host.settings if run.host else None
        config = RunnableConfig(
            configurable={
                "thread_id": run.thread.companion(self.name) if run.thread else "",
                "user_id": owner or GraphCheck.ANYBODY,  # never empty: it is a label of the store's namespaces
            },
            callbacks=[UnguardedCalls()],
            metadata={"run_id": run.run_id},
            recursion_limit=2 * (settings.run_max_model_calls + settings.run_max_tool_calls) if settings else 25,
        )
        return graph, config

    async def _steps_of(self, graph: Any, given: Any, config: RunnableConfig) -> GraphOutput[Any]:
        """The state that a run leaves, and what it waits for; its own events pass as `progress`.

        It runs as a root graph: inside of ours its interrupts would end our run, past the guards.
        """
        run, here, write = RunContext.current(), contextvars.copy_context(), get_stream_writer()
        found: dict[str, Any] = {}
        if run.evidence is not None:
            run.evidence.append(ToolResult(found))
        if run.stream:
            run.stream.writers = self._ports.writers

        async def steps() -> GraphOutput[Any]:
            state: Any = {}
            interrupts: list[Interrupt] = []
            about = config["configurable"]
            parts = graph.astream(
                given,
                config,
                context=GraphCheck.context(graph, about["user_id"], about["thread_id"]),
                stream_mode=["values", "custom"],
                subgraphs=True,
                durability="exit",
                version="v2",
            )
            async for part in parts:
                if part["type"] == "custom":
                    self._send(lambda event: here.run(write, event), part["data"])
                elif not part["ns"]:
                    state = part["data"]
                    found.update(self._ports.found(state))
                    interrupts += part["interrupts"]
            return GraphOutput(self._state(state), tuple(interrupts))

        context = contextvars.copy_context()
        context.run(var_child_runnable_config.set, None)
        return await asyncio.get_running_loop().create_task(steps(), context=context)

    @staticmethod
    def _send(write: Callable[[Event], None], part: Any) -> None:
        """An event of the graph's own, unless it holds what may not leave."""
        data = to_jsonable_python(part, fallback=str)
        host = RunContext.current().host
        if host and host.outgoing.leaks.find(orjson.dumps(data).decode()):
            log.warning("progress_withheld")
            return
        write(Event(event="progress", data=data if isinstance(data, dict) else {"value": data}))

    def _result(self, left: GraphOutput[Any]) -> GraphResult:
        state = left.value
        if left.interrupts:
            waiting = [call for it in left.interrupts for call in self._waiting(it)]
            question = self._open_question(left.interrupts)
            return GraphResult(asked=str(self._question(question)) if question else "", waiting=waiting)
        text = self._ports.text(state).strip()
        if not text:
            raise ModelUnavailable("agent", "said nothing")
        messages = state.get(MESSAGES) or ()
        spoken = [it for it in messages[:-1] if isinstance(it, AIMessage | ToolMessage)]
        return GraphResult(text=text, remembered=[str(it.text) for it in spoken])

    @classmethod
    def _open_question(cls, interrupts: Sequence[Interrupt]) -> Interrupt | None:
        """The question that the thread's next message answers."""
        return next((it for it in interrupts if cls._question(it) is not None), None)

    @staticmethod
    def _question(interrupt: Interrupt) -> str | None:
        value = interrupt.value
        if isinstance(value, Mapping) and set(value) == {"question"}:
            value = value["question"]
        return value if isinstance(value, str) else None

    def _waiting(self, interrupt: Interrupt) -> Iterator[WaitingCall]:
        value = interrupt.value
        if self._question(interrupt) is not None:
            return
        if isinstance(value, Mapping) and value.get(GUARDED) == "approval":
            yield WaitingCall(
                PendingToolCall(value["agent"], value["tool"], value["arguments"]), interrupt.id, "approval"
            )
            return
        if isinstance(value, Mapping) and "action_requests" in value:  # LangChain's HumanInTheLoopMiddleware
            actions = value["action_requests"]
            names = "+".join(it["name"] for it in actions)
            given = actions[0]["args"] if len(actions) == 1 else {"calls": [it["args"] for it in actions]}
            call = PendingToolCall(self.name, names, to_jsonable_python(given, fallback=str))
            yield WaitingCall(call, interrupt.id, f"middleware {len(actions)}")
            return
        plain = to_jsonable_python(value, fallback=str)
        given = plain if isinstance(plain, dict) else {"value": plain}
        yield WaitingCall(PendingToolCall(self.name, "question", given), interrupt.id, "value")
