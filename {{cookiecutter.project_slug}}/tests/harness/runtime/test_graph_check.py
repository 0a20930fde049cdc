"""What a graph may not bring is refused at start, with place and remedy."""

from dataclasses import dataclass
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from structlog.testing import capture_logs

from harness.errors import ConfigurationError
from harness.runtime.graph_check import GraphCheck
from harness.runtime.graph_model import model
from harness.runtime.graph_ports import GraphPorts
from tests.harness.runtime.graphs import Shop


def look_up(number: int) -> str:
    """Look an order up."""
    return f"order {number} is open"


async def say(state: MessagesState) -> Any:
    return {"messages": []}


def one_node(node: Any, **parts: Any) -> Any:
    return StateGraph(MessagesState, **parts).add_node("node", node).add_edge(START, "node").compile()


def raw() -> Any:
    return create_agent(model(), [look_up])


@pytest.mark.parametrize(
    ("graph", "node"),
    [(raw(), "tools"), (one_node(raw()), "tools"), (one_node(ToolNode([look_up])), "node")],
    ids=["agent", "subgraph", "tool node"],
)
def test_a_tool_that_no_policy_names_is_refused_at_start(graph: Any, node: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        GraphCheck("own", graph).check(GraphPorts())
    assert list(refused.value.problems) == [
        f"src/app/flow.py: node '{node}': tool `look_up` stands in no policy; write harness.tools(look_up, policy=Policy(tools=['look_up']))"
    ]


def test_evidence_that_is_no_key_and_no_list_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError, match=r"evidence='notes' is no key of the state of graph own, whose keys"):
        GraphCheck("own", one_node(say)).check(GraphPorts(evidence=["notes"]))
    with pytest.raises(ConfigurationError, match="evidence and writers of graph own are lists"):
        GraphCheck("own", one_node(say)).check(GraphPorts(evidence="messages"))


def test_writers_that_nobody_sees_are_named_at_start() -> None:
    with capture_logs() as logged:
        GraphCheck("own", one_node(say)).check(GraphPorts(writers=["node"]))
        GraphCheck("own", one_node(say)).check(GraphPorts(writers=["nodes"]))
    assert [(it["event"], it["names"]) for it in logged] == [("unknown_writers", ["nodes"])]


def test_a_graph_without_messages_says_which_key_takes_the_message() -> None:
    class Own(TypedDict):
        topic: str
        report: str

    async def report(state: Own) -> Any:
        return {"report": state["topic"]}

    graph: Any = StateGraph(Own).add_node("node", report).add_edge(START, "node").compile()
    with pytest.raises(ConfigurationError, match=r"has no `messages`: say which .* input=\.\.\., of report, topic"):
        GraphCheck("own", graph).check(GraphPorts(output="report"))
    GraphCheck("own", graph).check(GraphPorts(input="topic", output="report"))


@pytest.mark.parametrize("kind", ["input", "output"])
def test_a_port_that_is_no_key_of_the_state_is_refused_at_start(kind: str) -> None:
    wrong: Any = {kind: "topic"}
    with pytest.raises(ConfigurationError) as refused:
        GraphCheck("own", one_node(say)).check(GraphPorts(**wrong))
    (problem,) = refused.value.problems
    assert problem == f"src/app/flow.py: {kind}='topic' is no key of the state of graph own, whose keys are messages"


def test_a_context_that_nobody_can_make_is_refused_at_start() -> None:
    @dataclass
    class Address:
        address: str

    with pytest.raises(ConfigurationError, match="context_schema of graph own: .*address.*give its fields defaults"):
        GraphCheck("own", one_node(say, context_schema=Address)).check(GraphPorts())


@pytest.mark.parametrize("field", ["user_id", "thread_id"])
def test_a_context_of_what_the_service_knows_or_of_defaults_passes(field: str) -> None:
    schema: Any = dataclass(type("Context", (), {"__annotations__": {field: str, "tone": str}, "tone": "kind"}))
    graph = one_node(say, context_schema=schema)
    GraphCheck("own", graph).check(GraphPorts())
    assert GraphCheck.context(graph, "ana", "t") == {field: {"user_id": "ana", "thread_id": "t"}[field]}


def test_guarded_tools_and_entrypoints_pass(shop: Shop) -> None:
    @entrypoint()
    async def flow(given: Any) -> Any:
        return given

    for graph in (create_agent(model(), shop.tools()), flow):
        GraphCheck("own", graph).check(GraphPorts(output=len))
