"""A graph as one agent beside others."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from harness.errors import ConfigurationError, ModelUnavailable
from harness.runtime.agent import Agent
from harness.runtime.flows import Parallel
from harness.runtime.graph_agent import GraphAgent
from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.settings import Settings
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from harness.telemetry.metrics import REGISTRY
from tests.harness.runtime.graphs import Shop, Stage, call
from tests.support.agents import MoonsAgent

BOTH = "How many moons has Mars and what is the state of order 7?"


def orders(shop: Shop, **more: Any) -> type[Agent[Any]]:
    graph = create_agent(model(), shop.tools(), name="orders")
    return Agent.from_graph(graph, name="orders", description="State of an order.", **more)


def test_it_is_a_class_of_the_module_that_makes_it(shop: Shop) -> None:
    made = orders(shop, grounding="sources")
    assert (made.name, made.grounding, made.__module__) == ("orders", "sources", __name__)
    assert made.description == {"en": "State of an order.", "es": "State of an order."}
    assert issubclass(made, GraphAgent)


async def test_it_answers_its_part_of_a_message_beside_another_agent(begin: Stage, shop: Shop) -> None:
    def search(words: str) -> str:
        """Search orders."""
        return "order 7 is open"

    graph = create_agent(model(), tools(search, policy=Policy(tools=frozenset({"search"}))))
    made = Agent.from_graph(graph, name="orders", description="State of an order.")
    reply = await begin(Parallel(), agents=[MoonsAgent, made]).say(BOTH)
    assert [(it.name, it.status) for it in reply.agents] == [("moons", "answered"), ("orders", "answered")]
    assert reply.answer == "mars has 2 moons.\n\norder 7 is open"


async def test_its_writing_call_waits_beside_the_answer_of_another(begin: Stage, shop: Shop) -> None:
    def answer(messages: Any, bound: Any) -> AIMessage:
        is_order = "cancel" in bound
        if messages[-1].type == "tool":
            return AIMessage("It is cancelled." if is_order else "Mars has 2.")
        return call("cancel", number=7) if is_order else call("look_up", name="mars")

    talk = begin(Parallel(), answer, [MoonsAgent, orders(shop)])
    first = await talk.say(BOTH)
    assert first.answer.startswith("Mars has 2.\n\nThis waits for approval")
    assert [it.tool for it in first.approvals] == ["cancel"]
    reply = await talk.decide()
    assert shop.ran == [(7, "none")]
    assert reply.answer == "Mars has 2.\n\nIt is cancelled."


def failures() -> float:
    return REGISTRY.get_sample_value("failures_total", {"room": "agents", "part": "orders"}) or 0


async def test_what_it_says_after_a_decision_is_marked_where_it_was_cut(begin: Stage, shop: Shop) -> None:
    cut = AIMessage("It is cancelled. And", response_metadata={"finish_reason": "length"})

    def answer(messages: Any, bound: Any) -> AIMessage:
        if "cancel" not in bound:
            return AIMessage("Mars has 2.") if messages[-1].type == "tool" else call("look_up", name="mars")
        return cut if messages[-1].type == "tool" else call("cancel", number=7)

    talk = begin(Parallel(), answer, [MoonsAgent, orders(shop)])
    await talk.say(BOTH)
    reply = await talk.decide()
    assert reply.answer == "Mars has 2.\n\nIt is cancelled."
    assert reply.degraded_because == ["cut_answer"]


@pytest.mark.parametrize(
    ("failure", "status", "reason"),
    [
        (RuntimeError("planted, password=hunter2"), "missing", "agent_failed"),
        (ModelUnavailable("agent", "timeout"), "missing", "out_of_time"),
    ],
)
async def test_its_failure_costs_its_part_of_the_answer_alone(
    begin: Stage, failure: Exception, status: str, reason: str
) -> None:
    async def node(state: MessagesState) -> Any:
        raise failure

    graph = StateGraph(MessagesState).add_node("node", node).add_edge(START, "node").compile()
    made = Agent.from_graph(graph, name="orders", description="State of an order.")
    before = failures()
    reply = await begin(Parallel(), agents=[MoonsAgent, made]).say(BOTH)
    assert failures() == before + 1
    assert reply.answer.startswith("mars has 2 moons.")
    assert "hunter2" not in reply.answer
    assert [it.status for it in reply.agents] == ["answered", status]
    assert reason in reply.degraded_because


def test_without_a_model_it_has_no_answer_and_no_words_of_its_own(settings: Settings, shop: Shop) -> None:
    agent = orders(shop)(SourceConnections(settings))
    with pytest.raises(ModelUnavailable, match="has no answer without a model"):
        agent.plan_without_model("What is the state of order 7?", "en")
    assert agent.render([], "en") == ""
    assert agent.toolset == ()


def test_a_tool_that_no_policy_names_is_refused_when_the_agent_is_built(settings: Settings) -> None:
    def look_up(number: int) -> str:
        """Look an order up."""
        return "open"

    made = Agent.from_graph(create_agent(model(), [look_up]), name="orders", description="State of an order.")
    with pytest.raises(ConfigurationError, match="tool `look_up` stands in no policy"):
        made(SourceConnections(settings))
