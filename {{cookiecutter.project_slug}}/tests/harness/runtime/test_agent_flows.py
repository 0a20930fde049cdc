"""A supervisor that asks agents as tools, and agents that hand the conversation on."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from harness.errors import ConfigurationError
from harness.prompts.prompt import Prompt
from harness.runtime.agent import Agent
from harness.runtime.agent_flows import Handoffs, Supervisor
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.graphs import InTurn, Stage, call
from tests.support.agents import BuggyAgent, FlakyAgent, HeightsAgent, MoonsAgent
from tests.support.writing_agent import OrdersAgent

AGENTS = [MoonsAgent, HeightsAgent]
BOTH = "How many moons has Mars and how high is Everest?"
MOONS = call("look_up", name="mars")
PEAK = call("look_up", name="everest")


async def test_a_supervisor_asks_one_agent_after_the_other_and_sums_up(begin: Stage) -> None:
    say = InTurn(
        call("ask_moons", request="How many moons has Mars?"),
        MOONS,
        "Mars has 2.",
        call("ask_heights", request="How high is Everest?"),
        PEAK,
        "Everest is 8849 m high.",
        "Mars has 2 moons, and Everest is 8849 m high.",
    )
    reply = await begin(Supervisor(), say, AGENTS).say(BOTH)
    assert (reply.answer, reply.degraded_because) == ("Mars has 2 moons, and Everest is 8849 m high.", [])
    assert [it.title for it in reply.sources] == ["Table of moons", "Table of heights"]


async def test_each_agent_of_a_supervisor_reads_its_own_prompt_and_the_request_alone(begin: Stage) -> None:
    say = InTurn(call("ask_moons", request="Moons of Mars?"), MOONS, "Mars has 2.", "Mars has 2 moons.")
    own = Prompt(name="boss", version="1", text={"en": "You lead.", "es": "Tú diriges."})
    own_words = MoonsAgent.prompt.text["en"]
    await begin(Supervisor(prompt=own), say, AGENTS).say("Tell me about Mars")
    assert [it[0].text for it in say.heard] == ["You lead.", own_words, own_words, "You lead."]
    assert [it.text for it in say.heard[1][1:]] == ["Moons of Mars?"]


async def test_a_members_words_alone_hold_up_nothing(begin: Stage) -> None:
    say = InTurn(call("ask_moons", request="Moons of Mars?"), "It has 79.", "Mars has 79 moons.")
    reply = await begin(Supervisor(), say, AGENTS).say("How many moons has Mars?")
    assert "79" not in reply.answer
    assert reply.degraded_because == ["ungrounded"]


@pytest.mark.parametrize("flow", [Supervisor(), Handoffs()], ids=["supervisor", "handoffs"])
async def test_the_agents_tools_stand_in_their_policies(
    begin: Stage, monkeypatch: pytest.MonkeyPatch, flow: Any
) -> None:
    """One that no policy names is not offered; one that writes waits, and runs once."""
    monkeypatch.setattr(OrdersAgent, "ran", [])
    offered: list[Sequence[str]] = []
    asks = isinstance(flow, Supervisor)
    answers = InTurn(
        *([call("ask_orders", request="Cancel order 7")] if asks else []),
        call("cancel", number=7),
        *["Order 7 is cancelled."] * 2,
    )

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        offered.append(bound)
        return answers(messages, bound)

    talk = begin(flow, say, [OrdersAgent])
    reply = await talk.say("Cancel order 7")
    assert set(offered[-1]) == {"look_up", "cancel"}
    assert [(it.agent, it.tool, it.arguments) for it in reply.approvals] == [
        ("orders", "cancel", {"number": 7, "reason": "none"})
    ]
    assert OrdersAgent.ran == []
    reply = await talk.decide()
    assert [(number, reason) for number, reason, _ in OrdersAgent.ran] == [(7, "none")]
    assert OrdersAgent.ran[0][2]  # the approval's id, for its source
    assert reply.answer == "Order 7 is cancelled."


class Narrow(MoonsAgent):
    """Its policy names one of its two tools."""

    name = "narrow"

    def tool_methods(self) -> Any:
        return [self.look_up, self.erase]

    async def erase(self, name: str) -> str:
        """Erase a planet."""
        raise AssertionError("nobody may")


async def test_a_tool_outside_of_an_agents_policy_is_not_offered(begin: Stage) -> None:
    offered: list[Sequence[str]] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        offered.append(bound)
        return call("erase", name="mars") if len(offered) == 1 else AIMessage("Which planet?")

    reply = await begin(Handoffs(), say, [Narrow]).say("Erase Mars")
    assert list(offered[0]) == ["look_up"]
    assert reply.answer == "Which planet?"


async def test_who_holds_the_conversation_keeps_it_until_it_is_handed_on(begin: Stage) -> None:
    say = InTurn(
        call("hand_to_heights"), PEAK, "It is 8849 m high.", call("look_up", name="teide"), "It is 3715 m high."
    )
    talk = begin(Handoffs(), say, AGENTS)
    assert (await talk.say("How high is Everest?")).answer == "It is 8849 m high."
    reply = await talk.say("And the Teide?")
    assert (reply.answer, reply.degraded_because) == ("It is 3715 m high.", [])
    assert [it[0].text for it in say.heard] == [MoonsAgent.prompt.text["en"]] * 5  # all agents' here
    assert "everest" in str(say.heard[3]).lower()  # and remembers what was said


async def test_another_thread_begins_with_the_first_agent(begin: Stage) -> None:
    offered: list[Sequence[str]] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        offered.append(bound)
        return call("hand_to_heights") if "hand_to_heights" in bound else AIMessage("Which mountain?")

    talk = begin(Handoffs(), say, AGENTS)
    await talk.say("How high is it?")
    await talk.say("How high is it?")
    await talk.say("How high is it?", ThreadRef("other", PUBLIC))
    firsts = [[it for it in bound if it.startswith("hand")] for bound in offered]
    heights, moons = ["hand_to_moons"], ["hand_to_heights"]
    assert firsts == [moons, heights, heights, moons, heights]


async def test_the_owner_says_which_agent_begins(begin: Stage) -> None:
    say = InTurn(PEAK, "It is 8849 m high.")
    assert (await begin(Handoffs(start="heights"), say, AGENTS).say("How high?")).answer == "It is 8849 m high."


def test_an_agent_that_there_is_not_cannot_begin() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Handoffs(start="tides").workers(AGENTS)
    assert list(refused.value.problems) == ["src/app/flow.py: start='tides' is none of moons, heights"]


@pytest.mark.parametrize("flow", [Supervisor(), Handoffs()], ids=["supervisor", "handoffs"])
@pytest.mark.parametrize("disable_llm", [False, True], ids=["embedded", "none"])
async def test_without_a_model_the_rules_find_the_agents(begin: Stage, flow: Any, disable_llm: bool) -> None:
    talk = begin(flow, agents=AGENTS, disable_llm=disable_llm)
    assert (await talk.say("How high is Everest?")).answer == "everest is 8849 m high."
    assert (await talk.say("How many moons has Saturn?")).answer == "saturn has 146 moons."


@pytest.mark.parametrize("disable_llm", [False, True], ids=["embedded", "none"])
async def test_without_a_model_a_supervisor_asks_several_agents(begin: Stage, disable_llm: bool) -> None:
    reply = await begin(Supervisor(), agents=AGENTS, disable_llm=disable_llm).say(BOTH)
    assert reply.answer == "mars has 2 moons.\n\neverest is 8849 m high."


@pytest.mark.parametrize(
    ("agent", "question", "reason"),
    [(FlakyAgent, "Tides in Vigo", "source_unavailable"), (BuggyAgent, "Star of Vega", "agent_failed")],
)
@pytest.mark.parametrize("flow", [Supervisor(), Handoffs()], ids=["supervisor", "handoffs"])
async def test_an_agent_that_fails_shows_nothing_of_its_failure(
    begin: Stage, flow: Any, agent: Any, question: str, reason: str
) -> None:
    reply = await begin(flow, agents=[agent]).say(question)
    assert reply.degraded
    assert "hunter2" not in reply.model_dump_json()
    assert "refused" not in reply.answer


def guide() -> type[Agent[Any]]:
    """An agent that is a graph."""

    async def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(f"Mars has {interrupt('How many do you think?')} of them.")]}

    graph = StateGraph(MessagesState).add_node("node", node).add_edge(START, "node").compile()
    return Agent.from_graph(graph, name="guide", description="Moons of a planet.")


async def test_a_graph_is_an_agent_of_a_supervisor_and_asks_in_its_run(begin: Stage) -> None:
    say = InTurn(call("ask_guide", request="Moons of Mars?"), "You say that it has 2.")
    talk = begin(Supervisor(grounding="open"), say, [guide()])
    assert (await talk.say("How many moons has Mars?")).answer == "How many do you think?"
    assert (await talk.say("2")).answer == "You say that it has 2."
    assert "Mars has 2 of them." in say.heard[-1][-1].text


def test_a_graph_cannot_hand_a_conversation_on(begin: Stage) -> None:
    with pytest.raises(ConfigurationError, match="Handoffs: guide cannot hand a conversation on: take Supervisor or"):
        begin(Handoffs(), agents=[MoonsAgent, guide()])
