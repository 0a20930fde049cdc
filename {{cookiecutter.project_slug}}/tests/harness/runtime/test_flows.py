"""Each flow: with a model, with the embedded one, with none that answers, and with none at all."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from harness.errors import ConfigurationError
from harness.runtime.agent_flows import Handoffs, Supervisor
from harness.runtime.flows import Flow, OwnGraph, Parallel
from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
from tests.harness.runtime.graphs import InTurn, Stage, call
from tests.support.agents import TEST_AGENTS, HeightsAgent, MoonsAgent

AGENTS = [MoonsAgent, HeightsAgent]
QUESTION = "How many moons has Mars?"
ANSWER = "Mars? It has 2 of them."


def look_up(name: str) -> dict[str, Any]:
    """The moons of a planet."""
    return {"name": name, "number": 2}


def own() -> OwnGraph:
    graph = create_agent(model(), tools(look_up, policy=Policy(tools=frozenset({"look_up"}))))
    return OwnGraph(graph, description="Moons of a planet.")


class Note(TypedDict):
    """A graph's own state."""

    question: str
    answer: str


LOOKS = call("look_up", name="mars")
FLOWS: dict[str, tuple[Flow, Sequence[AIMessage | str]]] = {
    "parallel": (Parallel(), [LOOKS, ANSWER]),
    "supervisor": (Supervisor(), [call("ask_moons", request=QUESTION), LOOKS, "It has 2.", ANSWER]),
    "handoffs": (Handoffs(), [LOOKS, ANSWER]),
    "own": (own(), [LOOKS, ANSWER]),
}
EMBEDDED = dict.fromkeys(FLOWS, "mars has 2 moons.") | {"own": '{"name": "How many moons has Mars?", "number": 2}'}


@pytest.mark.parametrize("name", FLOWS)
async def test_each_flow_answers_with_a_model(begin: Stage, name: str) -> None:
    flow, answers = FLOWS[name]
    reply = await begin(flow, InTurn(*answers), AGENTS).say(QUESTION)
    assert (reply.answer, reply.degraded_because, reply.grounding) == (ANSWER, [], "facts")
    assert [it.name for it in reply.agents] == ["moons" if name == "parallel" else name]


@pytest.mark.parametrize("name", FLOWS)
async def test_each_flow_answers_with_the_embedded_model(begin: Stage, name: str) -> None:
    reply = await begin(FLOWS[name][0], agents=AGENTS).say(QUESTION)
    assert (reply.answer, reply.degraded_because) == (EMBEDDED[name], [])


@pytest.mark.parametrize("name", ["parallel", "supervisor", "handoffs"])
async def test_the_keywords_of_the_agents_tell_the_language_in_each_flow(begin: Stage, name: str) -> None:
    reply = await begin(FLOWS[name][0], agents=AGENTS).say("lunas Marte")
    assert (reply.language, reply.answer) == ("es", "marte tiene 2 lunas.")


@pytest.mark.parametrize(
    ("changes", "reason"), [({}, "model_unavailable"), ({"disable_llm": True}, "llm_disabled")], ids=["down", "none"]
)
@pytest.mark.parametrize("name", FLOWS)
async def test_without_a_model_each_flow_answers_from_its_agents_data_and_says_so(
    begin: Stage, name: str, changes: dict[str, Any], reason: str
) -> None:
    """A graph of one's own has none: its part is missing."""
    talk = begin(FLOWS[name][0], InTurn(), AGENTS, **changes)
    reply = await talk.say(QUESTION)
    assert reply.degraded_because == [reason]
    if name == "own":
        assert reply.agents[0].status == "missing"
        assert reply.answer == "I can't answer right now. Please ask again in a few minutes."
    else:
        assert reply.agents[0].status == "answered"
        assert reply.answer == "mars has 2 moons."


@pytest.mark.parametrize("disable_llm", [False, True])
@pytest.mark.parametrize("name", ["supervisor", "handoffs"])
async def test_without_a_model_what_no_agent_is_for_is_said_back(begin: Stage, name: str, disable_llm: bool) -> None:
    reply = await begin(FLOWS[name][0], agents=AGENTS, disable_llm=disable_llm).say("blue harbour")
    assert reply.agents[0].status == "asked"
    assert reply.degraded_because == (["llm_disabled"] if disable_llm else [])
    if name == "supervisor" or disable_llm:
        assert "I can help with this:\n- Moons of a planet." in reply.answer
    else:
        assert reply.answer == "Which planet?"  # whoever holds the conversation asks


@pytest.mark.parametrize("name", FLOWS)
async def test_a_courtesy_is_answered_though_no_tool_was_asked(begin: Stage, name: str) -> None:
    reply = await begin(FLOWS[name][0], InTurn(*["You are welcome!"] * 2), AGENTS).say("Thanks!")
    assert reply.degraded_because == []
    if name != "parallel":  # its planner answers that
        assert reply.answer == "You are welcome!"


@pytest.mark.parametrize("name", FLOWS)
async def test_from_memory_no_flow_states_anything(begin: Stage, name: str) -> None:
    reply = await begin(FLOWS[name][0], InTurn(*["Mars has two moons, Phobos and Deimos."] * 2), AGENTS).say(QUESTION)
    assert "Phobos" not in reply.answer
    assert reply.degraded_because == ["ungrounded"]


@pytest.mark.parametrize(
    ("grounding", "question", "text", "reasons"),
    [
        ("open", "Draft a note", "A note about 12 ships.", []),
        ("sources", "Draft a note", "A note about ships.", []),
        ("sources", "Draft a note", "A note about 12 ships.", ["ungrounded"]),
        ("facts", "Draft a note", "A note about ships.", ["ungrounded"]),
        ("facts", "Draft a note", "Which ships?", []),
        ("facts", "Draft a note", "All is done. Anything else?", ["ungrounded"]),
        ("facts", "Draft a note", "What about 99 ships?", ["ungrounded"]),
        ("facts", "Thank you very much!", "You are welcome.", []),
        ("facts", "Thank you very much!", "You are welcome: it costs 99 euros.", ["ungrounded"]),
    ],
)
async def test_what_a_graph_says_without_a_tool_by_the_level_that_it_declares(
    begin: Stage, grounding: Any, question: str, text: str, reasons: list[str]
) -> None:
    flow = OwnGraph(create_agent(model(), []), grounding=grounding)
    reply = await begin(flow, InTurn(text)).say(question)
    assert reply.degraded_because == reasons
    assert (reply.answer == text) == (not reasons)
    if not reasons and not text.endswith("?"):
        assert reply.agents[0].grounding == reply.grounding == grounding


@pytest.mark.parametrize("name", ["supervisor", "handoffs"])
def test_a_flow_of_agents_needs_one(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"src/app/agents: there is no agent; add one: make agent"):
        FLOWS[name][0].workers([])


def test_an_own_graph_is_a_compiled_one() -> None:
    from langgraph.graph import MessagesState, StateGraph

    with pytest.raises(ConfigurationError, match="OwnGraph wants a compiled graph, not StateGraph: call .compile()"):
        OwnGraph(StateGraph(MessagesState)).workers([])  # type: ignore[arg-type] # as an owner writes it


def test_in_parallel_every_agent_is_a_worker_beside_a_planner() -> None:
    assert Parallel().workers(TEST_AGENTS) == TEST_AGENTS
    assert Parallel().has_planner
    assert not own().has_planner


@pytest.mark.parametrize(
    ("answer", "said", "reasons"),
    [
        (AIMessage("One. Tw", response_metadata={"finish_reason": "length"}), "One.", ["cut_answer"]),
        (AIMessage("<think>Hm.</think>One."), "One.", []),
        (AIMessage("One\r\ntwo\u00adthree."), "One\ntwothree.", []),
        (AIMessage("<think>Hm."), None, ["model_unavailable"]),
        (AIMessage("One.", response_metadata={"finish_reason": "content_filter"}), None, ["model_unavailable"]),
    ],
    ids=["cut", "thoughts", "signs", "unclosed", "filtered"],
)
async def test_a_graph_s_models_answer_in_the_same_form(
    begin: Stage, answer: AIMessage, said: str | None, reasons: list[str]
) -> None:
    flow = OwnGraph(create_agent(model(), []), grounding="open")
    reply = await begin(flow, InTurn(answer)).say("Draft a note")
    assert reply.degraded_because == reasons
    assert said is None or reply.answer == said


async def test_a_graph_that_makes_text_of_a_cut_answer_says_so(begin: Stage) -> None:
    async def write(state: Any) -> Any:
        answer = await model().ainvoke([HumanMessage("Draft a note")])
        return {"answer": f"So: {answer.text}"}

    graph = StateGraph(Note).add_node("write", write).add_edge(START, "write").compile()
    flow = OwnGraph(graph, input="question", output="answer", grounding="open")
    cut = AIMessage("One. Tw", response_metadata={"finish_reason": "max_tokens"})
    reply = await begin(flow, InTurn(cut)).say("Draft a note")
    assert (reply.answer, reply.degraded_because) == ("So: One.", ["cut_answer"])
