"""Where a message goes in, and which words of a graph are its answer."""

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel

from harness.runtime.graph_model import model
from harness.runtime.graph_ports import GraphPorts
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
from tests.harness.runtime.graphs import InTurn, Stage, call

OPEN = {"grounding": "open"}


def one_node(node: Any, state: Any = MessagesState) -> Any:
    return StateGraph(state).add_node("node", node).add_edge(START, "node").compile()


async def test_an_entrypoint_of_a_text_is_given_the_message(begin: Stage) -> None:
    @entrypoint()
    async def loud(message: str) -> str:
        return message.upper()

    assert (await begin(loud, ports=OPEN).say("Blue harbour")).answer == "BLUE HARBOUR"


async def test_an_answer_of_an_earlier_turn_is_none_of_this_one(begin: Stage) -> None:
    async def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage("The ticket is open.")] if len(state["messages"]) == 1 else []}

    talk = begin(one_node(node), ports=OPEN)
    assert (await talk.say("What about the ticket?")).answer == "The ticket is open."
    reply = await talk.say("What about the other one?")
    assert "open" not in reply.answer
    assert reply.degraded


async def test_messages_with_a_reducer_of_their_own_outlast_the_turns_that_are_kept(begin: Stage) -> None:
    class Own(TypedDict):
        messages: Annotated[list[AnyMessage], operator.add]

    async def node(state: Own) -> Any:
        return {"messages": [await model().ainvoke(state["messages"])]}

    say = InTurn(*["Well."] * 4)
    talk = begin(one_node(node, Own), say, ports=OPEN, history_turns=1)
    for _ in range(4):
        assert (await talk.say("Go on")).degraded_because == []
    assert sum(isinstance(it, HumanMessage) for it in say.heard[-1]) == 4


async def test_an_answer_with_a_schema_is_json_wherever_it_is_read_from(begin: Stage) -> None:
    class Stay(BaseModel):
        city: str

    for ports in (OPEN, OPEN | {"output": "structured_response"}):
        graph = create_agent(model(), [], response_format=Stay)
        reply = await begin(graph, InTurn(call("Stay", city="Lima")), ports=ports).say("Where to?")
        assert (reply.answer, reply.degraded_because) == ('{"city":"Lima"}', [])


async def test_the_result_of_a_tool_that_returns_directly_is_the_answer(begin: Stage) -> None:
    @tool(return_direct=True)
    def find(number: int) -> str:
        """Find an order."""
        return f"Order {number} is open."

    graph = create_agent(model(), tools(find, policy=Policy(tools=frozenset({"find"}))))
    reply = await begin(graph, InTurn(call("find", number=7))).say("What is the state of order 7?")
    assert (reply.answer, reply.degraded_because) == ("Order 7 is open.", [])


@pytest.mark.parametrize(
    ("ports", "state", "text"),
    [
        (GraphPorts(output="n"), {"n": 3}, "3"),
        (GraphPorts(output="n"), {}, ""),
        (GraphPorts(output="m"), {"m": AIMessage("said")}, "said"),
        (GraphPorts(output=lambda state: state["n"] * 2), {"n": "ab"}, "abab"),
        (GraphPorts(), {"output": None}, ""),
        (GraphPorts(), {"messages": [AIMessage("old"), HumanMessage("q")]}, ""),
        (GraphPorts(), {"messages": [HumanMessage("q"), AIMessage("a"), ToolMessage("t", tool_call_id="1")]}, "t"),
    ],
)
def test_what_the_state_says_is_a_text(ports: GraphPorts, state: Any, text: str) -> None:
    assert ports.text(state) == text
