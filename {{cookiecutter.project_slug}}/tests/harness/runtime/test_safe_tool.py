"""What a model, the log and the run learn of a tool that fails."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import StructuredTool

from harness.errors import BudgetExceeded, ClarificationNeeded, PolicyViolation, SourceUnavailable
from harness.guards.tool_policy import ToolPolicy
from harness.limits.budget import Budget, RunLimits
from harness.runtime.safe_tool import SafeTools
from harness.sources.policy import Policy

RIGHTS = ToolPolicy("tides", Policy(tools={"look_up"}), ["look_up"])


def failing(error: Exception) -> SafeTools:
    async def look_up(name: str) -> str:
        """Look it up."""
        raise error

    return SafeTools([StructuredTool.from_function(coroutine=look_up)], RIGHTS, 100)


def call(tool: str = "look_up", **arguments: Any) -> ToolCall:
    return ToolCall(name=tool, args=arguments, id="1")


async def told(error: Exception, **arguments: Any) -> ToolMessage:
    [message] = await failing(error).run([call(**(arguments or {"name": "mars"}))])
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


async def test_wrong_arguments_are_named_to_the_model_without_their_values() -> None:
    message = await told(RuntimeError("reached"), planet="hunter2", name=[1])
    assert message.text == "name: Input should be a valid string"
    assert message.status == "error"
    missing = await told(RuntimeError("reached"), planet="hunter2")
    assert missing.text == "name: Field required"


async def test_a_question_for_the_user_waits_for_the_calls_beside_it() -> None:
    done = []

    async def ask() -> str:
        """Ask."""
        raise ClarificationNeeded("Which port?")

    async def work() -> str:
        """Work."""
        await asyncio.sleep(0)
        done.append("work")
        return ""

    tools = [StructuredTool.from_function(coroutine=it) for it in (ask, work)]
    rights = ToolPolicy("tides", Policy(tools={"ask", "work"}), ["ask", "work"])
    with pytest.raises(ClarificationNeeded):
        await SafeTools(tools, rights, 100).run([call("ask"), call("work")])
    assert done == ["work"]


@pytest.mark.parametrize(("length", "is_refused"), [(88, False), (89, True), (1_000_000, True)])
async def test_arguments_longer_than_a_message_are_refused(length: int, is_refused: bool) -> None:
    message = await told(RuntimeError("reached"), name="x" * length)  # 12 more for {'name': ''}
    assert ("arguments" in message.text) is is_refused
    assert len(message.text) < 200


async def test_a_call_that_no_budget_has_left_is_refused_to_the_model() -> None:
    with Budget.scope(RunLimits("RUN", 0, 0)):
        message = await told(RuntimeError("reached"))
    assert message.text == "No more tool calls in this run; answer with what is there."
    assert isinstance(message.artifact, BudgetExceeded)


@pytest.mark.parametrize("arguments", [{}, {"self": 1, "config": 2, "run_manager": 3, "name": 4}])
async def test_a_name_that_is_no_tool_is_refused_whatever_its_arguments(arguments: dict[str, Any]) -> None:
    tools = failing(RuntimeError("reached"))
    wild = {"name": "rm -rf /", "args": arguments, "id": "1", "type": "tool_call"}
    answer = tools.known(AIMessage("", tool_calls=[wild]))
    assert answer.tool_calls[0]["name"] == SafeTools.NO_TOOL
    [message] = await tools.run(answer.tool_calls)
    assert isinstance(message.artifact, PolicyViolation)
    assert message.text == "The service may not reach this resource."
