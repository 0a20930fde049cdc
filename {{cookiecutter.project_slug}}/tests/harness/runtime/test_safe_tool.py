"""What a model, the log and the run learn of a tool that fails."""

from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool
from pydantic import ValidationError

from harness.errors import BudgetExceeded, ClarificationNeeded, PolicyViolation, SourceUnavailable
from harness.guards.tool_policy import ToolPolicy
from harness.limits.budget import Budget, RunLimits
from harness.runtime.safe_tool import SafeTool, UnknownTool
from harness.sources.policy import Policy

RIGHTS = ToolPolicy("tides", Policy(tools=frozenset({"look_up"})), ["look_up"])


def failing(error: Exception) -> StructuredTool:
    async def look_up(name: str) -> str:
        """Look it up."""
        raise error

    return StructuredTool.from_function(coroutine=look_up)


async def told(error: Exception, name: str = "mars", arguments: str = "name") -> ToolMessage:
    call = {"name": "look_up", "args": {arguments: name}, "id": "1", "type": "tool_call"}
    message = await SafeTool.wrap(failing(error), 100).ainvoke(call)
    assert isinstance(message, ToolMessage)
    assert (message.name, message.tool_call_id) == ("look_up", "1")
    return message


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SourceUnavailable("tides", "password=hunter2"), "The source tides is unavailable."),
        (RuntimeError("password=hunter2"), "The tool failed."),
    ],
)
async def test_the_model_reads_no_exception_text_and_the_run_keeps_the_error(error: Exception, text: str) -> None:
    message = await told(error)
    assert message.text == text
    assert message.status == "error"
    assert message.artifact is error


async def test_a_question_for_the_user_is_not_for_the_model() -> None:
    with pytest.raises(ClarificationNeeded) as needed:
        await told(ClarificationNeeded("Which port?"))
    assert needed.value.question == "Which port?"


async def test_arguments_that_are_not_the_tools_are_left_to_the_library_to_tell() -> None:
    with pytest.raises(ValidationError):
        await told(RuntimeError("reached"), arguments="planet")


@pytest.mark.parametrize(("length", "is_refused"), [(88, False), (89, True), (1_000_000, True)])
async def test_arguments_longer_than_a_message_are_refused(length: int, is_refused: bool) -> None:
    message = await told(RuntimeError("reached"), "x" * length)  # 12 more for {'name': ''}
    assert ("arguments" in message.text) is is_refused
    assert len(message.text) < 200


async def test_a_call_that_no_budget_has_left_is_refused_to_the_model() -> None:
    with Budget.scope(RunLimits("RUN", 0, 0)):
        message = await told(RuntimeError("reached"))
    assert message.text == "No more tool calls in this run; answer with what is there."
    assert isinstance(message.artifact, BudgetExceeded)


async def test_the_tool_itself_still_raises() -> None:
    tool = failing(RuntimeError("reached"))
    SafeTool.wrap(tool, 100)
    with pytest.raises(RuntimeError, match="reached"):
        await tool.ainvoke({"name": "mars"})


@pytest.mark.parametrize("arguments", [{}, {"self": 1, "config": 2, "run_manager": 3, "name": 4}])
async def test_a_name_that_is_no_tool_is_refused_whatever_its_arguments(arguments: dict[str, Any]) -> None:
    call = {"name": UnknownTool.NAME, "args": arguments, "id": "1", "type": "tool_call"}
    message = await SafeTool.wrap(UnknownTool(rights=RIGHTS), 100).ainvoke(call)
    assert isinstance(message.artifact, PolicyViolation)
    assert message.text == "The service may not reach this resource."
