"""One agent that looks orders up and can cancel them."""

import os

import httpx
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

import harness

SHOP = os.environ.get("SHOP_URL", "http://127.0.0.1:9901")


def find_order(number: int) -> dict:
    """Look one order up by its number: state, total and the day it arrives."""
    return httpx.get(f"{SHOP}/orders/{number}", timeout=5).raise_for_status().json()


def cancel_order(number: int, reason: str) -> str:
    """Cancel an order that has not left the warehouse."""
    httpx.post(f"{SHOP}/orders/{number}/cancel", json={"reason": reason}, timeout=5).raise_for_status()
    return f"order {number} is cancelled"


policy = harness.Policy(tools={"find_order"}, requires_approval={"cancel_order"})
graph = create_agent(
    harness.model("agent"),
    harness.tools(find_order, cancel_order, policy=policy, agent="orders"),
    system_prompt="You are the order desk of a bicycle shop. Be short and friendly.",
    checkpointer=InMemorySaver(),
)
