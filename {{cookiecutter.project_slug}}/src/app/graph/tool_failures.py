"""What becomes of a tool call that fails or is one too many: the model reads one safe sentence."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from ..errors import InputRefused, NeedsDetail, ServiceError
from ..limits.budget import Budget

log = structlog.get_logger(__name__)

UNFORESEEN = "The tool failed."


class ToolFailures(AgentMiddleware[Any, Any, Any]):
    """Turns a tool's exception into a tool message without the exception's text.

    A call that no budget has left is such a failure too: the model goes on without it.

    That text may hold a secret or an address. LangChain's `ToolErrorMiddleware` does the same but
    cannot hand the error on; here it is the message's artifact, which no model sees.
    """

    def __init__(self, max_chars: int) -> None:
        """Refuse arguments of more than `max_chars` in all: they come from a message."""
        super().__init__()
        self._max_chars = max_chars

    def _check_size(self, arguments: Mapping[str, Any]) -> None:
        size = len(str(arguments))
        if size > self._max_chars:
            problem = f"{size} characters, allowed are {self._max_chars} (MESSAGE_MAX_CHARS)"
            raise InputRefused("arguments", problem)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """The tool's message, or the failure's.

        Raises:
            NeedsDetail: The tool asks the user something; the model has no part in that.
        """
        call = request.tool_call
        try:
            Budget.take_tool_call()
            self._check_size(call["args"])
            return await handler(request)
        except NeedsDetail:
            raise
        except ServiceError as error:
            log.warning("tool_failed", tool=call["name"], reason=str(error))
            failure: Exception = error
        except Exception as error:
            log.exception("tool_failed", tool=call["name"])
            failure = error
        text = failure.detail if isinstance(failure, ServiceError) else UNFORESEEN
        return ToolMessage(
            text, tool_call_id=call["id"], name=call["name"], status="error", artifact=failure
        )
