"""What a graph knows, says and does after a person has decided or answered."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from harness.errors import InputRefused
from harness.runtime.agent import Agent
from harness.runtime.flows import Parallel
from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
from tests.harness.runtime.graphs import InTurn, Shop, Stage, call
from tests.harness.runtime.places import CANCEL, WANTS, in_agent, one_node

DONE = "Order 7 is cancelled."


@pytest.mark.parametrize("nested", [False, True])
async def test_what_was_found_before_an_approval_is_evidence_after_it(begin: Stage, shop: Shop, nested: bool) -> None:
    """Also what an agent inside of a tool found."""

    def price(number: int) -> dict[str, float]:
        """What an order costs."""
        return {"price_eur": 345}

    found, cancels, said = call("price", number=7), call("cancel", number=7), "I cancelled order 7 of 345 EUR."
    (guarded,) = tools(price, policy=Policy(tools=frozenset({"price"})))
    graph: Any = create_agent(model(), [guarded, shop.cancel])
    if nested:
        inner = graph

        async def ask(request: str) -> str:
            """Ask the shop."""
            return str((await inner.ainvoke({"messages": [("user", request)]}))["messages"][-1].text)

        graph = create_agent(model(), tools(ask, policy=Policy(tools=frozenset({"ask"}))))
        talk = begin(graph, InTurn(call("ask", request="cancel it"), found, cancels, said, said))
    else:
        talk = begin(graph, InTurn(found, cancels, said))
    await talk.say("Cancel my order")
    reply = await talk.decide()
    assert (reply.answer, reply.degraded_because) == (said, [])


async def test_what_was_found_before_a_question_is_evidence_after_it(begin: Stage, shop: Shop) -> None:
    class Own(MessagesState):
        pass

    async def look(state: Own) -> Any:
        wanted = call("find", number=7)
        return {"messages": [wanted, await shop.find.ainvoke({**wanted.tool_calls[0], "type": "tool_call"})]}

    async def ask(state: Own) -> Any:
        who = interrupt("Who asks?")
        return {"messages": [AIMessage(f"Order 7 is open, {who}.")]}

    graph: Any = StateGraph(Own).add_node("look", look).add_node("ask", ask).add_edge(START, "look")
    talk = begin(graph.add_edge("look", "ask").compile())
    await talk.say("Is my order open?")
    reply = await talk.say("Ana")
    assert (reply.answer, reply.degraded_because) == ("Order 7 is open, Ana.", [])


async def test_a_call_that_ran_is_told_as_done_though_the_model_fails_after_it(begin: Stage, shop: Shop) -> None:
    talk = begin(in_agent(shop), InTurn(WANTS, "It costs 99 euros."))
    await talk.say(CANCEL)
    reply = await talk.decide()
    assert reply.answer.startswith("This was approved and done: shop.cancel(")
    assert reply.degraded_because == ["ungrounded"]


async def test_a_call_past_our_tools_is_never_said_to_be_undone(begin: Stage, shop: Shop) -> None:
    middleware = HumanInTheLoopMiddleware(interrupt_on={"find": True})
    graph = create_agent(model(), [shop.find], middleware=[middleware])
    talk = begin(graph, InTurn(call("find", number=7), "It costs 99 euros."))
    await talk.say("What is the state of order 7?")
    reply = await talk.decide()
    assert reply.answer.startswith("This was approved and begun, but not confirmed.")


@pytest.mark.parametrize("is_ours", [True, False])
async def test_a_value_for_a_call_that_asks_for_none_is_refused(begin: Stage, shop: Shop, is_ours: bool) -> None:
    if is_ours:
        talk = begin(in_agent(shop), InTurn(WANTS, DONE))
    else:
        middleware = HumanInTheLoopMiddleware(interrupt_on={"find": True})
        graph = create_agent(model(), [shop.find], middleware=[middleware])
        talk = begin(graph, InTurn(call("find", number=7), "Order 7 is open."))
    first = await talk.say(CANCEL)
    with pytest.raises(InputRefused, match="value: this call asks for none: approve or reject it as it was shown"):
        await talk.decide(value={"number": 8})
    assert shop.ran == []
    talk.last = first
    assert not (await talk.decide()).approvals


async def test_the_answer_to_a_question_is_what_the_user_wrote(begin: Stage) -> None:
    """Whatever task a planner made of it."""

    async def node(state: MessagesState) -> Any:
        who = interrupt("For whom is the trip?")
        return {"messages": [AIMessage(f"Booked for {who}.")]}

    trips = Agent.from_graph(one_node(node), name="trips", description="Books a trip.", grounding="open")
    talk = begin(Parallel(), agents=[trips])
    assert (await talk.say("Book me a trip")).answer == "For whom is the trip?"
    assert (await talk.say("Ada Lovelace")).answer == "Booked for Ada Lovelace."
