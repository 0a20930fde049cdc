"""Where a message goes into a graph of one's own, and where its answer comes out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.constants import START
from langgraph.pregel import Pregel
from pydantic_core import to_jsonable_python

from ..prompts.prompt import Prompt
from ..run_context import RunContext
from .state import Turn

MESSAGES: Final = "messages"

Reader = str | Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class GraphPorts:
    """How a graph of one's own is asked and answers."""

    STRUCTURED: ClassVar = "structured_response"
    """Where `create_agent` puts an answer with a schema."""

    input: str | Callable[[str], Any] | None = None
    """A key of its state, or a function of the message; None: `messages`, as a human message, or the text that an
    entrypoint takes."""

    output: Reader | None = None
    """A key, or a function of the last state; None: the text of the turn's last message in `messages`."""

    evidence: Sequence[str] = ()
    """Keys of its state with what its nodes found without a tool: the answer may state it."""

    writers: Collection[str] = ()
    """Nodes whose words are the answer, streamed while they write; empty: every node's."""

    has_memory: bool | None = None
    """Whether its state lasts from message to message; None: where it has `messages` or brought a saver."""

    def given(
        self, question: str, before: Mapping[str, Any], graph: Pregel[Any, Any, Any, Any], past: Sequence[Turn] = ()
    ) -> Any:
        """What `graph` is called with, after the state `before`; and after turns of the `past` that it does not hold."""
        if callable(self.input):
            return self.input(question)
        if self.input and self.input != MESSAGES:
            return {self.input: question}
        if self.input is None and self.takes_text(graph):
            return question
        messages: list[AnyMessage] = before.get(MESSAGES) or []
        said = [it for turn in past for it in (HumanMessage(turn["question"]), AIMessage(turn["answer"]))]
        return {MESSAGES: [*self._dropped(messages, graph), *self._closed(messages), *said, HumanMessage(question)]}

    def text(self, state: Mapping[str, Any]) -> str:
        """The answer in the last state of a turn; empty where there is none."""
        if callable(self.output):
            return self._written(self.output(state))
        if self.output and self.output != MESSAGES:
            return self._written(state.get(self.output))
        if state.get(self.STRUCTURED) is not None:
            return self._written(state[self.STRUCTURED])
        if MESSAGES not in state:
            return self._written(state.get("output"))
        turn = self.turn(state)
        if turn and isinstance(turn[-1], ToolMessage):  # of a tool that returns directly
            return Prompt.unfenced(turn[-1].text)
        return next((it.text for it in reversed(turn) if isinstance(it, AIMessage)), "")

    def found(self, state: Any) -> Mapping[str, Any]:
        """What nodes found without a tool, of the keys that count as evidence; JSON values."""
        keys = self.evidence if isinstance(state, Mapping) else ()
        return {key: to_jsonable_python(state[key], fallback=str) for key in keys if state.get(key)}

    @staticmethod
    def turn(state: Mapping[str, Any]) -> Sequence[AnyMessage]:
        """What `messages` has from the last human message on, without it."""
        messages = state.get(MESSAGES) or ()
        at = next((at for at in range(len(messages), 0, -1) if isinstance(messages[at - 1], HumanMessage)), 0)
        return list(messages[at:])

    @staticmethod
    def takes_text(graph: Pregel[Any, Any, Any, Any]) -> bool:
        """True for an entrypoint whose argument is a text."""
        return getattr(graph.channels.get(START), "typ", None) is str

    @staticmethod
    def _written(value: Any) -> str:
        """A value of the state as a text: JSON where it is none."""
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, AIMessage):
            return str(value.text)
        return orjson.dumps(to_jsonable_python(value, fallback=str), option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def _closed(messages: Sequence[AnyMessage]) -> Iterator[ToolMessage]:
        """Results of calls that waited for a person who wrote this message instead."""
        done = {it.tool_call_id for it in messages if isinstance(it, ToolMessage)}
        last = messages[-1] if messages else None
        for call in last.tool_calls if isinstance(last, AIMessage) else ():
            if call["id"] not in done:
                yield ToolMessage("not done: the user went on", tool_call_id=call["id"] or "", name=call["name"])

    @staticmethod
    def _dropped(messages: Sequence[AnyMessage], graph: Pregel[Any, Any, Any, Any]) -> list[RemoveMessage]:
        """The messages before the last HISTORY_TURNS turns: turn 200 costs what turn 20 did.

        None where the reducer of `messages` is not LangGraph's, which alone knows how to remove one.
        """
        host = RunContext.current().host
        begins = [at for at, it in enumerate(messages) if isinstance(it, HumanMessage) and not it.name]
        turns = host.settings.history_turns if host else len(begins)
        reducer = getattr(graph.channels.get(MESSAGES), "operator", None)
        if len(begins) <= turns or getattr(reducer, "__module__", "") != "langgraph.graph.message":
            return []
        first = begins[len(begins) - turns] if turns else len(messages)
        return [RemoveMessage(id=it.id) for it in messages[:first] if it.id]
