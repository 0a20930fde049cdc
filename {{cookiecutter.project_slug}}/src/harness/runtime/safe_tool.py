"""A tool as a model may call it: bounded, and its failure becomes one safe sentence."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import structlog
from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import ValidationError

from ..errors import ApprovalNeeded, ClarificationNeeded, InputRefused, ServiceError
from ..guards.tool_policy import ToolPolicy
from ..limits.budget import Budget
from ..telemetry.tracing import TRACES

log = structlog.get_logger(__name__)

UNFORESEEN = "The tool failed."


class UnknownTool(BaseTool):
    """What runs when a model calls a name that is no tool of the agent's: a refusal that is counted.

    LangChain itself would answer such a call, and nobody would hear of it.
    """

    NAME: ClassVar = "no-tool"
    """No tool can be called so: an agent's tools are methods."""

    name: str = NAME
    description: str = "Not offered to models."
    args_schema: Any = {"type": "object", "properties": {}}  # whatever arguments there are
    rights: ToolPolicy

    def _run(self, /, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("call it with `await`: ainvoke")

    async def _arun(self, /, *_: Any, **__: Any) -> Any:
        with self.rights.authorize(self.name):
            pass


class SafeTool(StructuredTool):
    """A tool as a model may call it: counted, its arguments bounded, its exception a tool message.

    A call that no budget has left is such a failure too: the model goes on without it.

    An exception's text may hold a secret or an address. LangChain's `ToolErrorMiddleware` does the
    same but cannot hand the error on; here it is the message's artifact, which no model sees. As a
    hook around tool calls this would cost 0.5 to 1 ms a call: LangChain traces each hook, also when
    tracing is off, by two jumps into threads (langchain 1.4).
    """

    tool: BaseTool
    """What is called. It stays as it is: without a model its caller wants the exceptions."""

    max_chars: int
    """Arguments of more than this in all are refused: they come from a message."""

    @classmethod
    def wrap(cls, tool: BaseTool, max_chars: int) -> Self:
        """`tool`, contained."""
        named = {"name": tool.name, "description": tool.description}
        return cls(**named, args_schema=tool.args_schema, tool=tool, max_chars=max_chars)

    async def ainvoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """The tool's message, or the failure's, or that the call waits for its approval.

        Raises:
            ClarificationNeeded: The tool asks the user something; the model has no part in that.
            ValidationError: The arguments are not the tool's; LangChain tells the model which.
        """
        call: Any = input
        try:
            Budget.take_tool_call()
            self._check_size(call["args"])
            about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": self.name}
            with TRACES.span(f"execute_tool {self.name}", about):
                return await self.tool.ainvoke(input, config, **kwargs)
        except (ClarificationNeeded, ValidationError):
            raise
        except ApprovalNeeded as needed:
            return ToolMessage(needed.detail, tool_call_id=call["id"], name=self.name, artifact=needed)
        except ServiceError as error:
            log.warning("tool_failed", tool=self.name, reason=str(error))
            failure: Exception = error
        except Exception as error:
            log.exception("tool_failed", tool=self.name)
            failure = error
        text = failure.detail if isinstance(failure, ServiceError) else UNFORESEEN
        return ToolMessage(text, tool_call_id=call["id"], name=self.name, status="error", artifact=failure)

    def _check_size(self, arguments: Mapping[str, Any]) -> None:
        size = len(str(arguments))
        if size > self.max_chars:
            problem = f"{size} characters, allowed are {self.max_chars} (MESSAGE_MAX_CHARS)"
            raise InputRefused("arguments", problem)
