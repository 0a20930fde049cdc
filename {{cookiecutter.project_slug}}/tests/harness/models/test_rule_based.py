"""The embedded model behaves as a chat model does, and says the same every time."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, ValidationError

from harness.models.rule_based import RuleBasedModel, ScriptedReply


class Sums:
    """Calls `add` for a question, tells its result, and knows the schema `LimitDecision`."""

    def __init__(self) -> None:
        self.bound: list[Sequence[str]] = []

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.bound.append(bound)
        if bound == ("Verdict",):
            return self._call("Verdict", {"right": True, "words": ["two", "words"]})
        last = messages[-1]
        if isinstance(last, ToolMessage):
            return AIMessage(f"The sum is {last.content}.")
        if "add" in bound:
            left, right = [int(word) for word in last.text.split() if word.isdigit()]
            return self._call("add", {"left": left, "right": right})
        return AIMessage("Words  and\nspaces stay as they are in what is said. ")

    @staticmethod
    def _call(name: str, arguments: dict[str, Any]) -> AIMessage:
        call = {"name": name, "args": arguments, "id": "call_0", "type": "tool_call"}
        return AIMessage(content="", tool_calls=[call])


class Verdict(BaseModel):
    """Whether it is right."""

    right: bool
    words: list[str]


@tool
def add(left: int, right: int) -> int:
    """The sum of two numbers."""
    return left + right


@pytest.fixture
def script() -> Sums:
    return Sums()


@pytest.fixture
def model(script: Sums) -> RuleBasedModel:
    return RuleBasedModel(script=script)


def test_a_class_with_respond_is_a_script_and_another_is_refused(script: Sums) -> None:
    assert isinstance(script, ScriptedReply)
    with pytest.raises(ValidationError, match="ScriptedReply"):
        RuleBasedModel(script="no script")


async def test_a_tool_is_called_for_real_inside_an_agent(model: RuleBasedModel, script: Sums) -> None:
    agent = create_agent(model, [add])

    result = await agent.ainvoke({"messages": [HumanMessage("What is 19 + 23 please")]})

    assert [message.text for message in result["messages"][1:]] == ["", "42", "The sum is 42."]
    assert script.bound == [("add",), ("add",)]


def test_an_agent_works_without_an_event_loop_too(model: RuleBasedModel) -> None:
    agent = create_agent(model, [add])

    result = agent.invoke({"messages": [HumanMessage("What is 1 + 2 please")]})

    assert result["messages"][-1].text == "The sum is 3."


async def test_structured_output_is_an_object_of_the_schema(model: RuleBasedModel) -> None:
    structured = model.with_structured_output(Verdict)

    assert await structured.ainvoke("right?") == Verdict(right=True, words=["two", "words"])


async def test_a_streamed_answer_comes_some_words_at_once_and_is_the_whole_answer(model: RuleBasedModel) -> None:
    whole = (await model.ainvoke("anything")).text

    pieces = [chunk.text async for chunk in model.astream("anything")]

    assert [piece for piece in pieces if piece] == ["Words  and\nspaces stay as they are in ", "what is said. "]
    assert "".join(pieces) == whole
    assert "".join(chunk.text for chunk in model.stream("anything")) == whole


async def test_a_streamed_tool_call_is_the_same_as_a_whole_one(model: RuleBasedModel) -> None:
    with_tools = model.bind_tools([add])
    whole = await with_tools.ainvoke("5 plus 6")

    streamed: AIMessageChunk | None = None
    async for chunk in with_tools.astream("5 plus 6"):
        assert isinstance(chunk, AIMessageChunk)
        streamed = chunk if streamed is None else streamed + chunk

    assert streamed is not None
    assert streamed.tool_calls == whole.tool_calls
    assert streamed.tool_calls[0]["args"] == {"left": 5, "right": 6}
    assert streamed.usage_metadata == whole.usage_metadata
    assert streamed.response_metadata["model_name"] == "embedded"


def test_words_are_counted_as_tokens(model: RuleBasedModel) -> None:
    said = model.invoke([SystemMessage("three words here"), HumanMessage("two more")])
    called = model.bind_tools([add]).invoke("5 plus 6")

    assert said.usage_metadata == {"input_tokens": 5, "output_tokens": 11, "total_tokens": 16}
    assert called.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert said.response_metadata == {"model_name": "embedded"}


def test_the_same_messages_get_the_same_answer() -> None:
    answers = [
        RuleBasedModel(script=Sums()).bind_tools([add]).invoke("3 and 4").model_dump(exclude={"id"}) for _ in range(3)
    ]

    assert answers[0] == answers[1] == answers[2]


def test_a_message_that_the_script_gives_twice_is_not_changed() -> None:
    shared = AIMessage("the same")

    class Same:
        def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
            return shared

    RuleBasedModel(script=Same()).invoke("hello")

    assert shared.usage_metadata is None
    assert shared.id is None


LOOK_UP = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(("tool_or_schema", "name"), [(add, "add"), (Verdict, "Verdict"), (LOOK_UP, "look_up")])
def test_whatever_can_be_bound_reaches_the_script_by_its_name(tool_or_schema: Any, name: str, script: Sums) -> None:
    RuleBasedModel(script=script).bind_tools([tool_or_schema]).invoke("1 and 2")

    assert script.bound == [(name,)]
