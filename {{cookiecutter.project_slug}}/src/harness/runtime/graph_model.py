"""`harness.model`: the model of a role for a graph of one's own, made when the graph is, asked inside of a run."""

import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from ..errors import ClarificationNeeded, ConfigurationError
from ..models.model_config import ROLES, Role
from ..prompts.messages import Messages
from ..prompts.prompt import Prompt
from ..run_context import RunContext
from .replies import Degraded


def model(role: Role = "agent") -> BaseChatModel:
    """The model that the settings name for `role`, with failover, limits, budget and telemetry around each call.

    Use it where a prototype says `init_chat_model(...)` or `ChatOpenAI(...)`. It can be made when a
    module is imported and works with and without `await`; it answers inside of a run only.

    Raises:
        ConfigurationError: There is no such role.
    """
    if role not in ROLES:
        raise ConfigurationError([f"harness.model({role!r}): the roles are {', '.join(ROLES)}"])
    return FactoryModel(role=role)


class FactoryModel(BaseChatModel):
    """Asks the factory of the service that runs it."""

    role: Role
    bound: Sequence[Any] = ()
    """Tools and schemas that may be called."""

    options: Mapping[str, Any] = {}
    """What `bind_tools` was given beside them."""

    script: Any = None
    """What the embedded model says; None: what `GraphScript` does."""

    _made: tuple[Any, Any] = PrivateAttr(default=(None, None))
    _copies: dict[Any, "FactoryModel"] = PrivateAttr(default_factory=dict)

    VERSION_CHARS: ClassVar = 8
    """Of a prompt's digest, its version in logs."""

    MAX_COPIES: ClassVar = 32
    """Sets of tools that are remembered; `create_agent` binds the same ones for each call. A guess."""

    @property
    def _llm_type(self) -> str:
        return "harness"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "FactoryModel":
        """The same model with `tools`."""
        key = (*map(id, tools), repr(sorted(kwargs.items())))
        if key not in self._copies:
            if len(self._copies) >= self.MAX_COPIES:
                self._copies.clear()
            self._copies[key] = self.model_copy(update={"bound": tuple(tools), "options": kwargs})
            self._copies[key]._made = (None, None)  # noqa: SLF001 - its own class's
        return self._copies[key]

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:  # noqa: A002
        """The model's answer.

        Raises:
            ModelUnavailable: No model of the role answered.
            BudgetExceeded: The run has no model call left.
        """
        given = self._complete(input)
        answer: AIMessage = await self._model().ainvoke(given, self._named(given, config), **kwargs)
        self._note(answer)
        return answer

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any  # noqa: A002
    ) -> AsyncGenerator[AIMessageChunk]:
        """The pieces of the model's answer; raises what `ainvoke` raises."""
        given = self._complete(input)
        pieces: Any = self._model().astream(given, self._named(given, config), **kwargs)
        async for piece in pieces:
            self._note(piece)
            yield piece

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:  # noqa: A002
        """The same as `ainvoke`, from a synchronous node or tool."""
        return RunContext.current().wait(self.ainvoke(input, config, **kwargs))

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any  # noqa: A002
    ) -> Iterator[AIMessageChunk]:
        """The whole answer as one piece, from a synchronous node or tool."""
        yield AIMessageChunk(**self.invoke(input, config, **kwargs).model_dump(exclude={"type"}))

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("ask it by invoke, ainvoke, stream or astream")

    def _model(self) -> Runnable[LanguageModelInput, AIMessage]:
        run = RunContext.current()
        if run.host is None:
            raise RuntimeError("harness.model answers inside of a run; a test gives a graph a model of its own")
        if run.nested is not None:
            run.nested.append(self.role)
        host = run.host
        if self._made[0] is not host.factory:
            made: Any = host.factory.for_role(self.role, self.script or GraphScript(self.bound))
            self._made = host.factory, made.bind_tools(self.bound, **self.options) if self.bound else made
        return self._made[1]  # type: ignore[no-any-return]

    def _note(self, answer: AIMessage) -> None:
        """Keep for the reply that an answer was cut: a graph may make anything of it."""
        if (noted := RunContext.current().degraded) is not None:
            noted += Degraded.cut(answer)

    def _named(self, given: Any, config: RunnableConfig | None) -> RunnableConfig:
        """The call's configuration, with the name and version of its prompt for logs and traces.

        Its system prompt may not leave in an answer, whoever wrote it.
        """
        config = ensure_config(config)
        metadata = config.get("metadata") or {}
        first = given[0] if isinstance(given, list) and given else None
        text = first.text if isinstance(first, SystemMessage) else ""
        host = RunContext.current().host
        if host and text:
            host.outgoing.leaks.learn(text)
        version = hashlib.sha256(text.encode()).hexdigest()[: self.VERSION_CHARS]
        named = {"prompt": metadata.get("langgraph_node", "graph"), "prompt_version": version}
        return {**config, "metadata": {**named, **metadata}}

    @staticmethod
    def _complete(given: Any) -> Any:
        """Messages in which calls and results belong together: providers refuse any other conversation.

        A call is left without its result where a person wrote a new message instead of deciding about
        it; a result without its call where an agent handed the conversation on.
        """
        if not isinstance(given, list):
            return given
        results = {it.tool_call_id for it in given if isinstance(it, ToolMessage)}
        called: set[str | None] = set()
        whole: list[Any] = []
        for message in given:
            if isinstance(message, ToolMessage) and message.tool_call_id not in called:
                continue
            calls = message.tool_calls if isinstance(message, AIMessage) else ()
            called |= {it["id"] for it in calls}
            missing = [it for it in calls if it["id"] not in results]
            closed = [
                ToolMessage("not done: the user went on", tool_call_id=it["id"], name=it["name"]) for it in missing
            ]
            whole += [message, *closed]
        return whole


class GraphScript:
    """The embedded model in a graph that it does not know: calls the first tool that takes one text, and says what came back."""

    def __init__(self, bound: Sequence[Any]) -> None:
        self._bound = bound

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        """A call of a schema that must be filled or of a tool, or the results of tools.

        Raises:
            ClarificationNeeded: There is neither, and it cannot write; it says so in place of the graph's answer.
        """
        question = next((it.text for it in reversed(messages) if it.type == "human"), "")
        if messages[-1].type == "tool":
            results = [it.text for it in messages if it.type == "tool"]
            return AIMessage("\n".join(Prompt.unfenced(it) for it in results))
        for given in self._bound:
            schema = convert_to_openai_tool(given)["function"]
            properties = schema.get("parameters", {}).get("properties", {})
            needed = schema.get("parameters", {}).get("required", [])
            if not isinstance(given, BaseTool):
                return self._call(schema["name"], {name: self._value(it, question) for name, it in properties.items()})
            if len(needed) == 1 and properties[needed[0]].get("type") == "string":
                return self._call(schema["name"], {needed[0]: question})
        raise ClarificationNeeded(Messages.EMBEDDED_ONLY.format(RunContext.current().language))

    @staticmethod
    def _call(name: str, arguments: Mapping[str, Any]) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": name, "args": dict(arguments), "id": f"call_{name}"}])

    @classmethod
    def _value(cls, schema: Mapping[str, Any], question: str) -> Any:
        """A value of the schema's type: the question where it is a text."""
        kind = schema.get("type") or next(iter(schema.get("anyOf", [{}]))).get("type")
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "array":
            return [cls._value(schema.get("items", {}), question)]
        values: Mapping[Any, Any] = {"string": question, "integer": 1, "number": 1, "boolean": False}
        return None if "anyOf" in schema else values.get(kind)
