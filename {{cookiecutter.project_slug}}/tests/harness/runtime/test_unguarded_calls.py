"""What a graph calls past the guards is refused when it is called."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import MessagesState

from harness.runtime.graph_model import model
from tests.harness.runtime.graphs import InTurn, Stage, call
from tests.harness.runtime.places import one_node


def nested(given: Any) -> Callable[[MessagesState], Any]:
    """A node with an agent in its closure, which nobody sees at start."""

    async def node(state: MessagesState) -> Any:
        inner: Any = create_agent(model(), [given])
        return await inner.ainvoke(state)

    return node


async def test_a_tool_that_no_policy_names_is_refused_when_it_runs(begin: Stage) -> None:
    ran: list[int] = []

    def cancel(number: int) -> str:
        """Cancel an order."""
        ran.append(number)
        return "cancelled"

    reply = await begin(one_node(nested(cancel)), InTurn(call("cancel", number=7), "Done.")).say("Cancel order 7")
    assert ran == []
    assert "Done" not in reply.answer
    assert reply.degraded_because == ["agent_failed"]


@pytest.mark.parametrize("kind", [FakeListChatModel, FakeListLLM])
async def test_a_model_made_by_hand_is_refused_when_it_is_asked(begin: Stage, kind: Any) -> None:
    by_hand = kind(responses=["Hello."])

    async def node(state: MessagesState) -> Any:
        said = await by_hand.ainvoke(state["messages"])
        return {"messages": [AIMessage(said if isinstance(said, str) else said.text)]}

    reply = await begin(one_node(node), ports={"grounding": "open"}).say("Say hello to her")
    assert "Hello" not in reply.answer
    assert by_hand.i == 0
    assert reply.degraded
