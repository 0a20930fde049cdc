"""An agent's tools as a model may call them: bounded, and a failure becomes one safe sentence."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from pydantic import ValidationError

from ..errors import ApprovalNeeded, ClarificationNeeded, InputRefused, ServiceError
from ..guards.tool_policy import ToolPolicy
from ..limits.budget import Budget
from ..telemetry.tracing import TRACES

log = structlog.get_logger(__name__)


class SafeTools:
    """Runs the calls of a model: counted, their arguments bounded, an exception a tool message.

    A call that no budget has left is such a failure too: the model goes on without it. An exception's
    text may hold a secret or an address: the error itself is the message's artifact, which no model sees.
    """

    UNFORESEEN: Final = "The tool failed."

    NO_TOOL: Final = "no-tool"
    """What a name that is no tool becomes: a model may invent any, and its provider refuse it when it is sent back."""

    MAX_WRONG: Final = 5
    """Wrong arguments that a model is told of; more would be another call. A guess."""

    def __init__(self, tools: Sequence[BaseTool], rights: ToolPolicy, max_chars: int) -> None:
        """Refuse arguments of more than `max_chars` in all: they come from a message."""
        self._tools = {tool.name: tool for tool in tools}
        self._rights = rights
        self._max_chars = max_chars

    def known(self, answer: AIMessage) -> AIMessage:
        """The answer of a model, without the names that it invented."""
        if all(call["name"] in self._tools for call in answer.tool_calls):
            return answer
        calls = [call if call["name"] in self._tools else {**call, "name": self.NO_TOOL} for call in answer.tool_calls]
        return answer.model_copy(update={"tool_calls": calls})

    async def run(self, calls: Sequence[ToolCall]) -> list[ToolMessage]:
        """The message of each call, in their order: the result, the failure, or that it waits for its approval.

        Raises:
            ClarificationNeeded: A tool asks the user something; the model has no part in that.
        """
        # Each to its end: none goes on when the run is over.
        answers = await asyncio.gather(*map(self._message, calls), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer for answer in answers if isinstance(answer, ToolMessage)]

    async def _message(self, call: ToolCall) -> ToolMessage:
        name, status = call["name"], "error"
        try:
            return await self._result(call)
        except ClarificationNeeded:
            raise
        except ApprovalNeeded as needed:
            failure: Exception = needed
            status, text = "success", needed.detail
        except ValidationError as wrong:
            failure, text = wrong, self._told(wrong)
        except ServiceError as error:
            log.warning("tool_failed", tool=name, reason=str(error))
            failure, text = error, error.detail
        except Exception as error:
            log.exception("tool_failed", tool=name)
            failure, text = error, self.UNFORESEEN
        return ToolMessage(text, tool_call_id=call["id"], name=name, status=status, artifact=failure)

    async def _result(self, call: ToolCall) -> ToolMessage:
        Budget.take_tool_call()
        name, arguments = call["name"], call["args"]
        self._check_size(arguments)
        if name not in self._tools:
            with self._rights.authorize(name):  # refuses it, and counts that
                pass
        about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
        with TRACES.span(f"execute_tool {name}", about):
            message: ToolMessage = await self._tools[name].ainvoke({**call, "type": "tool_call"})
            return message

    def _check_size(self, arguments: Mapping[str, Any]) -> None:
        size = len(str(arguments))
        if size > self._max_chars:
            problem = f"{size} characters, allowed are {self._max_chars} (MESSAGE_MAX_CHARS)"
            raise InputRefused("arguments", problem)

    @classmethod
    def _told(cls, wrong: ValidationError) -> str:
        """Which arguments are not the tool's, without their values."""
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)[: cls.MAX_WRONG]
        return "\n".join(f"{'.'.join(map(str, it['loc'])) or 'arguments'}: {it['msg']}" for it in errors)
