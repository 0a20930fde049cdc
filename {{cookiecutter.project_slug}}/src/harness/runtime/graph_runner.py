"""Runs a graph of one's own inside of a run: its memory, its models and tools, its questions and its answer."""

import asyncio
import contextvars
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
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
from ..storage.store import Store
from .agent import ToolResult
from .graph_check import GraphCheck
from .guarded_tools import GUARDED, UnguardedCalls
from .replies import Event

log = structlog.stdlib.get_logger(__name__)

MESSAGES: Final = "messages"

Reader = str | Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class GraphHost:
    """What a graph's models and tools use of the service."""

    settings: Settings
    factory: LLMFactory
    results: ToolResults
    outgoing: OutputPolicy
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class GraphPorts:
    """Where a message goes into a graph, and where its answer comes out."""

    input: str | Callable[[str], Any] | None = None
    """A key of its state, or a function of the message; None: `messages`, as a human message."""

    output: Reader | None = None
    """A key, or a function of the last state; None: the text of the last message of `messages`."""

    evidence: Sequence[str] = ()
    """Keys of its state with what its nodes found without a tool: the answer may state it."""

    writers: Collection[str] = ()
    """Nodes whose words are the answer, streamed while they write; empty: every node's."""

    has_memory: bool | None = None
    """Whether its state lasts from message to message; None: where it has `messages` or brought a saver."""


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
        GraphCheck(name, graph).check({"input": ports.input, "output": ports.output})
        brought = [it for it in ("checkpointer", "store") if getattr(graph, it, None) not in (None, False)]
        for kind in brought:
            own = type(getattr(graph, kind)).__name__
            log.warning("replaced", graph=name, kind=kind, own=own, by="the service's, by DATABASE_URL")
        has_saver = "checkpointer" in brought
        remembers = MESSAGES in graph.channels or has_saver
        self._has_memory = remembers if ports.has_memory is None else ports.has_memory
        self._graph = graph

    async def run(self, question: str) -> GraphResult:
        """The graph's answer to `question`, or to what it asked before."""
        graph, config = self._prepared()
        state = await graph.aget_state(config)
        if open_question := self._open_question(state.interrupts):
            return self._result(await self._steps_of(graph, Command(resume={open_question.id: question}), config))
        if not self._has_memory and state.created_at:
            await self._saver.adelete_thread(config["configurable"]["thread_id"])
        return self._result(await self._steps_of(graph, self._input(question, state.values or {}), config))

    async def resume(self, interrupt: str, value: Any) -> GraphResult:
        """What the graph does after a decision about one call, its value given to the interrupt."""
        graph, config = self._prepared()
        return self._result(await self._steps_of(graph, Command(resume={interrupt: value}), config))

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
            configurable={"thread_id": run.thread.companion(self.name) if run.thread else "", "user_id": owner},
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
                    found.update(self._found(state))
                    interrupts += part["interrupts"]
            return GraphOutput(state if isinstance(state, Mapping) else {"output": state}, tuple(interrupts))

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

    def _input(self, question: str, before: Mapping[str, Any]) -> Any:
        given = self._ports.input
        if callable(given):
            return given(question)
        if given and given != MESSAGES:
            return {given: question}
        messages: list[AnyMessage] = before.get(MESSAGES) or []
        return {MESSAGES: [*self._dropped(messages), *self._closed(messages), HumanMessage(question)]}

    @staticmethod
    def _closed(messages: Sequence[AnyMessage]) -> Iterator[ToolMessage]:
        """Results of calls that waited for a person who wrote this message instead."""
        done = {it.tool_call_id for it in messages if isinstance(it, ToolMessage)}
        last = messages[-1] if messages else None
        for call in last.tool_calls if isinstance(last, AIMessage) else ():
            if call["id"] not in done:
                yield ToolMessage("not done: the user went on", tool_call_id=call["id"] or "", name=call["name"])

    @staticmethod
    def _dropped(messages: Sequence[AnyMessage]) -> list[RemoveMessage]:
        """The messages before the last HISTORY_TURNS turns: turn 200 costs what turn 20 did."""
        host = RunContext.current().host
        begins = [at for at, it in enumerate(messages) if isinstance(it, HumanMessage) and not it.name]
        turns = host.settings.history_turns if host else len(begins)
        if len(begins) <= turns:
            return []
        first = begins[len(begins) - turns] if turns else len(messages)
        return [RemoveMessage(id=it.id) for it in messages[:first] if it.id]

    def _result(self, left: GraphOutput[Any]) -> GraphResult:
        state = left.value
        if left.interrupts:
            waiting = [call for it in left.interrupts for call in self._waiting(it)]
            question = self._open_question(left.interrupts)
            return GraphResult(asked=str(self._question(question)) if question else "", waiting=waiting)
        text = self._text(state).strip()
        if not text:
            raise ModelUnavailable("agent", "said nothing")
        messages = state.get(MESSAGES) or ()
        spoken = [it for it in messages[:-1] if isinstance(it, AIMessage | ToolMessage)]
        return GraphResult(text=text, remembered=[str(it.text) for it in spoken])

    def _found(self, state: Any) -> Mapping[str, Any]:
        """What nodes found without a tool, of the keys that count as evidence."""
        keys = self._ports.evidence if isinstance(state, Mapping) else ()
        return {key: to_jsonable_python(state[key], fallback=str) for key in keys if state.get(key)}

    def _text(self, state: Mapping[str, Any]) -> str:
        output = self._ports.output
        if callable(output):
            return str(output(state))
        if output and output != MESSAGES:
            return str(state.get(output) or "")
        if MESSAGES in state:
            messages = [it for it in state[MESSAGES] if isinstance(it, AIMessage)]
            return str(messages[-1].text) if messages else ""
        return str(state.get("output") or "")

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
