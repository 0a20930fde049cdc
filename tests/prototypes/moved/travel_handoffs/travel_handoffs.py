"""Flights and hotels hand the conversation to each other; whoever has it keeps it."""

from typing import Annotated

from langchain.agents import create_agent
from langchain.tools import InjectedToolCallId, tool
from langchain_core.messages import ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

import harness

model = harness.model("agent")


class Desk(MessagesState):
    active: str


def handoff(to: str):
    @tool(f"hand_to_{to}")
    def hand_over(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command:
        """Give the conversation to a colleague."""
        note = ToolMessage(f"{to} takes over", tool_call_id=tool_call_id)
        return Command(goto=to, graph=Command.PARENT, update={"active": to, "messages": [note]})

    hand_over.description = f"Give the conversation to the colleague for {to}."
    return hand_over


@tool
def search_flights(origin: str, destination: str, day: str) -> list[dict]:
    """Flights of a day (YYYY-MM-DD) with their prices in euros."""
    return [{"flight": "XT 210", "from": origin, "to": destination, "day": day, "price_eur": 184.5}]


@tool
def search_hotels(city: str, night: str) -> list[dict]:
    """Hotels of a city that have a room on a night (YYYY-MM-DD)."""
    return [{"hotel": "Casa Azul", "city": city, "night": night, "price_eur": 92}]


flying = harness.Policy(tools={"search_flights", "hand_to_hotels"})
to_fly = harness.tools(search_flights, handoff("hotels"), policy=flying, agent="flights")
staying = harness.Policy(tools={"search_hotels", "hand_to_flights"})
to_stay = harness.tools(search_hotels, handoff("flights"), policy=staying, agent="hotels")
flights = create_agent(model, to_fly, system_prompt="You sell flights.", name="flights")
hotels = create_agent(model, to_stay, system_prompt="You sell rooms.", name="hotels")

builder = StateGraph(Desk)
builder.add_node("flights", flights, destinations=("hotels",))
builder.add_node("hotels", hotels, destinations=("flights",))
builder.add_conditional_edges(START, lambda state: state.get("active") or "flights", ["flights", "hotels"])
graph = builder.compile()
