"""The tools of an agent inside its policy, whatever they are made of."""

import asyncio
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from langchain_core.tools import BaseTool, StructuredTool

from ..errors import ConfigurationError
from ..guards.injection_guard import ToolResults
from ..guards.tool_policy import ToolPolicy
from ..prompts.prompt import Prompt
from ..run_context import RunContext
from .tool_result import Source, ToolResult

Tool = Callable[..., Any] | BaseTool
"""A method or function, async or not, with typed arguments and a docstring; or a tool of LangChain."""


class AgentTools:
    """Makes tools that run only as the policy says, and whose results are looked through."""

    def __init__(self, rights: ToolPolicy, results: ToolResults, place: str) -> None:
        """Hold `rights`; `place` is the file that a wrong tool is in."""
        self._rights = rights
        self._results = results
        self._place = place

    @staticmethod
    def name(tool: Tool) -> str:
        """What a policy and a model call `tool`."""
        return tool.name if isinstance(tool, BaseTool) else tool.__name__

    def guarded(self, tool: Tool) -> BaseTool:
        """`tool` inside the policy; its message holds the result, its artifact is a `ToolResult`.

        Raises:
            ConfigurationError: It has no docstring, or arguments of no JSON type.
        """
        name = self.name(tool)

        async def run(**arguments: Any) -> tuple[str, ToolResult]:
            with self._rights.authorize(name, arguments):
                finding = await self._sanitized(ToolResult.of(await self._called(tool, arguments)))
            if (evidence := RunContext.current().evidence) is not None:
                evidence.append(finding)
            return Prompt.fence("tool_result", orjson.dumps(finding.facts).decode()), finding

        about: dict[str, Any] = {"name": name, "response_format": "content_and_artifact"}
        if isinstance(tool, BaseTool):
            about |= {"description": tool.description, "args_schema": tool.tool_call_schema}
        else:
            run = wraps(tool)(run)
        try:
            return StructuredTool.from_function(coroutine=run, **about)
        except Exception as failure:
            remedy = "write typed arguments of JSON types, and a docstring that tells a model when to call it"
            raise ConfigurationError([f"{self._place}: the tool {name}: {failure}; {remedy}"]) from failure

    async def _called(self, tool: Tool, arguments: dict[str, Any]) -> Any:
        """What `tool` returns; one that may block runs in a thread, with the run's context."""
        if isinstance(tool, BaseTool):
            if tool.response_format == "content":
                return await tool.ainvoke(arguments)
            message = await tool.ainvoke({"type": "tool_call", "id": tool.name, "name": tool.name, "args": arguments})
            return message.artifact if isinstance(message.artifact, ToolResult) else message.text
        if inspect.iscoroutinefunction(tool):
            return await tool(**arguments)
        returned = await asyncio.to_thread(tool, **arguments)
        return await returned if inspect.isawaitable(returned) else returned

    async def _sanitized(self, finding: ToolResult) -> ToolResult:
        """The result as a model and `render` may read it: texts that read like instructions are taken out."""
        raw = (finding.facts, [(source["title"], source["url"]) for source in finding.sources])
        sanitized = await self._results.sanitize(raw)
        if sanitized is raw:
            return finding
        facts, sources = sanitized
        return ToolResult(facts, [Source(title=title, url=url) for title, url in sources])
