"""`harness.tools`: functions and LangChain tools inside of a policy, for a graph of one's own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from inspect import iscoroutinefunction
from logging import ERROR, WARNING
from typing import Any, ClassVar, Final

import orjson
import structlog
from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as as_tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command, interrupt
from pydantic_core import to_jsonable_python

from ..errors import ApprovalNeeded, ClarificationNeeded, ConfigurationError, InputRefused, ServiceError
from ..guards.tool_policy import PendingToolCall, ToolPolicy
from ..limits.budget import Budget
from ..prompts.messages import Messages
from ..prompts.prompt import Prompt
from ..run_context import RunContext
from ..sources.policy import Policy
from ..telemetry.tracing import TRACES
from .agent import Given, Source, ToolResult
from .done_calls import DoneCalls
from .mcp_tools import MCPTools
from .replies import Degraded

log = structlog.get_logger(__name__)

_NO_POLICY: Final = Policy()

GUARDED: Final = "harness"
"""Tag of every tool that stands in a policy, and of every model that the factory made."""


def tools(*given: Given | Sequence[Given], policy: Policy = _NO_POLICY, agent: str = "own") -> list[BaseTool]:
    """`given` as tools that a model may call inside of `policy`, which names each of them: deny by default.

    A call is counted in the run's budget, bounded, traced and held to the deadline; what it brings is
    scanned for instructions, marked as data, and evidence for the answer; an exception becomes one safe
    sentence. A tool of `requires_approval` waits for a person, wherever in a graph it is called.
    Synchronous functions run in threads, with the run's context.

    Args:
        given: Functions with typed arguments and a docstring written for a model, LangChain tools, MCP servers, or
            lists of them.
        policy: Which of them may run, and which wait for a person; without one, none may.
        agent: What approvals, logs and metrics call the owner of these tools.

    Raises:
        ConfigurationError: A tool stands in no policy, or the policy names none of these; or a server has no pins.
    """
    flat: list[Any] = [it for some in given for it in (some if isinstance(some, list | tuple) else [some])]
    listed = MCPTools(policy).expanded(flat)
    try:
        made = [it if isinstance(it, BaseTool) else as_tool(it) for it in listed]
    except ValueError as wrong:  # LangChain names the function
        raise ConfigurationError([f"harness.tools: {wrong}; its docstring tells a model when to call it"]) from None
    names = {it.name for it in made}
    granted = frozenset(policy.tools) | frozenset(policy.requires_approval)
    problems = [
        f"harness.tools: `{name}` stands in no policy: name it in Policy(tools=...), or in requires_approval if it writes"
        for name in sorted(names - granted)
    ]
    problems += [
        f"harness.tools: the policy names `{name}`, which is not among {', '.join(sorted(names))}"
        for name in sorted(granted - names)
    ]
    if problems:
        raise ConfigurationError(problems)
    rights = ToolPolicy(agent, policy, names)
    return [GuardedTool.around(it, rights, agent) for it in made]


class GuardedTool(StructuredTool):
    """A tool that runs inside of its policy, whoever calls it."""

    UNFORESEEN: ClassVar = "The tool failed."

    @classmethod
    def around(cls, inner: BaseTool, rights: ToolPolicy, agent: str) -> "GuardedTool":
        """`inner` inside of `rights`."""
        call = Call(inner, rights, agent)
        return cls(
            name=inner.name,
            description=inner.description,
            args_schema=inner.args_schema,
            return_direct=inner.return_direct,
            response_format=inner.response_format,
            coroutine=call.guarded,
            func=call.guarded_in_a_thread,
            handle_tool_error=True,
            tags=[*(inner.tags or ()), GUARDED],
            metadata=inner.metadata,
        )

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """What the tool brings; for a model it is marked as data."""
        return self._marked(await super().ainvoke(input, config, **kwargs))

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """The same, from a synchronous node."""
        return self._marked(super().invoke(input, config, **kwargs))

    @staticmethod
    def _marked(result: Any) -> Any:
        if isinstance(result, ToolMessage) and result.status != "error" and isinstance(result.content, str):
            return result.model_copy(update={"content": Prompt.fence("tool_result", result.content)})
        return result


class Call:
    """How one tool is called: the guards around its function."""

    def __init__(self, inner: BaseTool, rights: ToolPolicy, agent: str) -> None:
        self._inner = inner
        self._rights = rights
        self._agent = agent
        # What a model gives; the rest is injected.
        self._shown = frozenset(convert_to_openai_tool(inner)["function"]["parameters"].get("properties", {}))
        self._function = self._function_of(inner)

        @wraps(self._function)  # LangChain reads off the signature what it injects
        async def guarded(**arguments: Any) -> Any:
            return await self._guarded(arguments)

        @wraps(self._function)
        def guarded_in_a_thread(**arguments: Any) -> Any:
            return RunContext.current().wait(self._guarded(arguments))

        self.guarded, self.guarded_in_a_thread = guarded, guarded_in_a_thread

    @staticmethod
    def _function_of(inner: BaseTool) -> Callable[..., Any]:
        """The function behind a tool; a class with its own `_run` is called as a whole."""
        found = getattr(inner, "coroutine", None) or getattr(inner, "func", None)
        if found is not None:
            return found  # type: ignore[no-any-return]

        marked = inner.model_copy(update={"tags": [*(inner.tags or ()), GUARDED]})

        async def whole(**arguments: Any) -> Any:
            if inner.response_format == "content":
                return await marked.ainvoke(arguments)
            message = await marked.ainvoke({"type": "tool_call", "id": "", "name": inner.name, "args": arguments})
            return message.content, message.artifact

        return whole

    async def _guarded(self, arguments: Mapping[str, Any]) -> Any:
        """The result of the call, or ToolException with a sentence that a model may read."""
        shown = {name: value for name, value in arguments.items() if name in self._shown}
        name = self._inner.name
        try:
            Budget.take_tool_call()
            self._check_size(shown)
            about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
            nested: list[str] = []
            with TRACES.span(f"execute_tool {name}", about), RunContext.scope(stream=None, nested=nested):
                if self._rights.writes(name):
                    return await self._decided(arguments, shown, nested)
                with self._rights.authorize(name, shown):
                    result = await self._run(arguments)
                return await self._brought(result, is_evidence=not nested)
        except GraphBubbleUp:
            raise
        except Exception as failure:
            raise self._contained(failure) from failure

    def _contained(self, failure: Exception) -> ToolException:
        """The sentence that a model may read; an exception's own text may hold a secret or an address."""
        match failure:
            case ToolException():
                return failure
            case ClarificationNeeded():  # the model asks the user
                return ToolException(failure.question)
        known = isinstance(failure, ServiceError)
        about: dict[str, Any] = {"reason": str(failure)} if known else {"exc_info": failure}
        log.log(WARNING if known else ERROR, "tool_failed", tool=self._inner.name, **about)
        if (noted := RunContext.current().degraded) is not None:  # whatever the answer becomes, this is not in it
            noted += Degraded.reasons_of_tool(failure)
        return ToolException(failure.detail if isinstance(failure, ServiceError) else GuardedTool.UNFORESEEN)

    async def _decided(self, arguments: Mapping[str, Any], shown: Mapping[str, Any], nested: Sequence[str]) -> Any:
        """The result of a call that writes, for which a person is asked here.

        They are asked each time that its node runs: LangGraph tells the answers of a node by their order.
        """
        call = PendingToolCall(self._agent, self._inner.name, to_jsonable_python(shown))
        approval = RunContext.current().approval
        is_its_turn = approval is not None and approval.call == call and not approval.is_used
        if not is_its_turn:
            with suppress(ApprovalNeeded), self._rights.authorize(call.tool, shown):  # collects it
                pass
        decided = interrupt({GUARDED: "approval", "agent": call.agent, "tool": call.tool, "arguments": call.arguments})
        if not (isinstance(decided, Mapping) and decided.get("verdict") == "approve"):
            return Messages.REJECTED.format(RunContext.current().language, call=call.tool)
        if not is_its_turn and (before := await DoneCalls.find(call)):
            if isinstance(before[0], ToolException):
                raise before[0]
            return await self._brought(before[0], is_evidence=not nested)
        with self._rights.authorize(call.tool, shown):
            try:
                brought = await self._brought(await self._run(arguments), is_evidence=not nested)
            except Exception as failure:
                if not isinstance(failure, GraphBubbleUp):
                    await DoneCalls.save(call, None, str(self._contained(failure)))
                raise
        await DoneCalls.save(call, brought)
        if approval:
            approval.is_done = True
        return brought

    async def _run(self, arguments: Mapping[str, Any]) -> Any:
        if iscoroutinefunction(self._function):
            return await self._function(**arguments)
        return await asyncio.to_thread(self._function, **arguments)

    async def _brought(self, result: Any, *, is_evidence: bool) -> Any:
        """The result as it may be read; noted as evidence, unless a model in the tool has written it."""
        if isinstance(result, Command | ToolMessage):
            return result
        run, has_artifact = RunContext.current(), self._inner.response_format == "content_and_artifact"
        content, artifact = result if has_artifact else (result, None)
        sources = self.sources(artifact)
        if isinstance(content, ToolResult):
            sources = [*content.sources]
            content = dict(content.facts)
        plain = to_jsonable_python(content, fallback=str)
        self._check_result(plain)
        if run.host:
            plain = await run.host.results.sanitize(plain)
        if run.evidence is not None and is_evidence:
            run.evidence.append(replace(ToolResult.of(plain), sources=sources))
        return (plain, artifact) if has_artifact else plain

    def _check_size(self, arguments: Mapping[str, Any]) -> None:
        host = RunContext.current().host
        size = len(str(arguments))
        if host and size > host.settings.message_max_chars:
            limit = host.settings.message_max_chars
            raise InputRefused("arguments", f"{size} characters, allowed are {limit} (MESSAGE_MAX_CHARS)")

    def _check_result(self, plain: Any) -> None:
        host = RunContext.current().host
        if host and (size := len(orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS))) > host.settings.data_max_bytes:
            limit = host.settings.data_max_bytes
            raise InputRefused("result", f"{size} bytes, allowed are {limit} (DATA_MAX_BYTES)")

    @staticmethod
    def sources(artifact: Any) -> list[Source]:
        """Where documents are from, of a retriever's tool."""
        documents = artifact if isinstance(artifact, Sequence) and not isinstance(artifact, str) else ()
        urls = [str(it.metadata["source"]) for it in documents if isinstance(it, Document) and "source" in it.metadata]
        return [Source(title=url, url=url) for url in dict.fromkeys(urls)]
