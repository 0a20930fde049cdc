"""What a model, the log and the run learn of a tool that fails."""

from typing import Any

import pytest
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage

from app.errors import NeedsDetail, SourceUnavailable
from app.graph.tool_failures import ToolFailures


async def told(error: Exception) -> ToolMessage:
    async def fail(request: ToolCallRequest) -> Any:
        raise error

    call = {"name": "look_up", "args": {}, "id": "1", "type": "tool_call"}
    request = ToolCallRequest(tool_call=call, tool=None, state={}, runtime=None)  # type: ignore[arg-type] # unused here
    message = await ToolFailures().awrap_tool_call(request, fail)
    assert isinstance(message, ToolMessage)
    return message


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SourceUnavailable("tides", "password=hunter2"), "The source tides is unavailable."),
        (RuntimeError("password=hunter2"), "The tool failed."),
    ],
)
async def test_the_model_reads_no_exception_text_and_the_run_keeps_the_error(
    error: Exception, text: str
) -> None:
    message = await told(error)
    assert message.text == text
    assert message.status == "error"
    assert message.artifact is error


async def test_a_question_for_the_user_is_not_for_the_model() -> None:
    with pytest.raises(NeedsDetail) as needed:
        await told(NeedsDetail("Which port?"))
    assert needed.value.question == "Which port?"
