"""Where in a graph a tool that writes may be called."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Send

from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
from tests.harness.runtime.graphs import Shop, call

CANCEL = "Cancel order 7, it is late"
ARGUMENTS = {"number": 7, "reason": "late"}


def one_node(node: Any, state: Any = MessagesState) -> Any:
    return StateGraph(state).add_node("node", node).add_edge(START, "node").compile()


def in_agent(shop: Shop) -> Any:
    return create_agent(model(), shop.tools())


def in_node(shop: Shop) -> Any:
    async def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(await shop.cancel.ainvoke(ARGUMENTS))]}

    return one_node(node)


def in_synchronous_node(shop: Shop) -> Any:
    def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(shop.cancel.invoke(ARGUMENTS))]}

    return one_node(node)


def in_subgraph(shop: Shop) -> Any:
    return one_node(in_node(shop))


def by_send(shop: Shop) -> Any:
    async def work(given: Any) -> Any:
        return {"messages": [AIMessage(await shop.cancel.ainvoke(given))]}

    builder: Any = StateGraph(MessagesState)
    builder.add_node("work", work)
    builder.add_conditional_edges(START, lambda state: [Send("work", ARGUMENTS)], ["work"])
    return builder.compile()


def in_entrypoint(shop: Shop) -> Any:
    @task
    async def cancelled() -> str:
        return str(await shop.cancel.ainvoke(ARGUMENTS))

    @entrypoint()
    async def flow(given: Any) -> Any:
        return {"messages": [AIMessage(await cancelled())]}

    return flow


def in_nested_agent(shop: Shop) -> Any:
    inner = create_agent(model(), shop.tools())

    def ask_desk(request: str) -> str:
        """Have the desk do something."""
        return str(inner.invoke({"messages": [HumanMessage(request)]})["messages"][-1].text)

    return create_agent(model(), tools(ask_desk, policy=Policy(tools=frozenset({"ask_desk"}))))


WANTS = call("cancel", **ARGUMENTS)
PLACES: list[tuple[Callable[[Shop], Any], Sequence[AIMessage | str]]] = [
    (in_agent, [WANTS]),
    (in_node, []),
    (in_synchronous_node, []),
    (in_subgraph, []),
    (by_send, []),
    (in_entrypoint, []),
    (in_nested_agent, [call("ask_desk", request=CANCEL), WANTS]),
]
