"""Any graph runs as it is: what it may not bring, what it remembers, and what its own state holds."""

import operator
import time
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, Send
from pydantic import SecretStr
from structlog.testing import capture_logs

from harness.runtime.graph_model import model
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.graphs import InTurn, Stage, call


def one_node(node: Any, state: Any = MessagesState, **parts: Any) -> Any:
    return StateGraph(state, **parts.pop("schemas", {})).add_node("node", node).add_edge(START, "node").compile(**parts)


async def test_a_saver_and_a_store_of_its_own_are_replaced_with_a_line_each(begin: Stage) -> None:
    store, saver = InMemoryStore(), InMemorySaver()

    async def node(state: MessagesState, *, store: BaseStore) -> Any:
        await store.aput(("people",), "ana", {"year": 1980})
        return {"messages": [AIMessage("Noted.")]}

    graph = one_node(node, checkpointer=saver, store=store)
    with capture_logs() as logged:
        talk = begin(graph, ports={"grounding": "open"})
    replaced = [(it["graph"], it["kind"], it["own"]) for it in logged if it["event"] == "replaced"]
    assert replaced == [("own", "checkpointer", "InMemorySaver"), ("own", "store", "InMemoryStore")]
    assert (await talk.say("Note her year")).answer == "Noted."
    assert store.search(("people",)) == []
    assert list(saver.storage) == []
    (kept,) = await talk.store.memory(PUBLIC).asearch(("people",))
    assert kept.value == {"year": 1980}


def questions(messages: list[BaseMessage]) -> list[str]:
    return [it.text for it in messages if isinstance(it, HumanMessage)]


@pytest.mark.parametrize(
    ("ports", "heard"),
    [
        ({}, [["one"], ["one", "two"], ["one", "two", "three"], ["two", "three", "four"]]),
        ({"has_memory": False}, [["one"], ["two"], ["three"], ["four"]]),
    ],
    ids=["remembers", "begins anew"],
)
async def test_a_graph_reads_as_many_turns_as_the_service_keeps(
    begin: Stage, ports: dict[str, Any], heard: list[list[str]]
) -> None:
    say = InTurn(*["Well."] * 4)
    talk = begin(create_agent(model(), []), say, ports={"grounding": "open", **ports}, history_turns=2)
    for message in heard[-1] if len(heard[-1]) > 3 else ["one", "two", "three", "four"]:
        await talk.say(message)
    assert [questions(it) for it in say.heard] == heard


async def test_without_history_a_graph_hears_the_new_message_alone(begin: Stage) -> None:
    say = InTurn(*["Well."] * 2)
    talk = begin(create_agent(model(), []), say, ports={"grounding": "open"}, history_turns=0)
    await talk.say("one")
    await talk.say("two")
    assert questions(say.heard[1]) == ["two"]


async def test_threads_do_not_share_a_graphs_memory(begin: Stage) -> None:
    say = InTurn(*["Well."] * 2)
    talk = begin(create_agent(model(), []), say, ports={"grounding": "open"})
    await talk.say("one", ThreadRef("a", PUBLIC))
    await talk.say("two", ThreadRef("b", PUBLIC))
    assert questions(say.heard[1]) == ["two"]


class Research(TypedDict, total=False):
    topic: str
    steps: list[str]
    notes: Annotated[list[str], operator.add]
    report: str


def research() -> Any:
    async def plan(state: Research) -> Command[Any]:
        steps = state["topic"].split(" and ")
        return Command(update={"steps": steps}, goto=[Send("look_up", {"step": it}) for it in steps])

    async def look_up(state: Any) -> Research:
        return {"notes": [f"{state['step']}: {len(state['step'])}0 km"]}

    async def report(state: Research) -> Research:
        return {"report": f"As noted, {', '.join(sorted(state['notes']))}."}

    builder = StateGraph(Research).add_node("plan", plan, destinations=("look_up",))
    builder.add_node("look_up", look_up).add_node("report", report)
    return builder.add_edge(START, "plan").add_edge("look_up", "report").compile()


@pytest.mark.parametrize(
    ("ports", "answer"),
    [
        ({"input": "topic", "output": "report"}, "As noted, brakes: 60 km, weight: 60 km."),
        ({"input": lambda text: {"topic": text}, "output": lambda state: state["notes"][0]}, "brakes: 60 km"),
    ],
    ids=["keys", "functions"],
)
async def test_a_state_of_its_own_takes_the_message_and_gives_the_answer(
    begin: Stage, ports: dict[str, Any], answer: str
) -> None:
    talk = begin(research(), ports={**ports, "evidence": ["notes"]})
    for _ in range(2):  # its notes begin anew with each message
        reply = await talk.say("brakes and weight")
        assert (reply.answer, reply.degraded_because) == (answer, [])


async def test_what_nodes_found_is_evidence_where_the_owner_says_so_only(begin: Stage) -> None:
    reply = await begin(research(), ports={"input": "topic", "output": "report"}).say("brakes and weight")
    assert reply.degraded_because == ["ungrounded"]


@dataclass
class Tone:
    """What its runs are given."""

    user_id: str
    word: str = "Well"


async def test_a_context_of_its_own_says_who_asks_and_has_its_defaults(begin: Stage) -> None:
    async def node(state: MessagesState, runtime: Runtime[Tone]) -> Any:
        return {"messages": [AIMessage(f"{runtime.context.word}, {runtime.context.user_id}.")]}

    graph = one_node(node, schemas={"context_schema": Tone})
    talk = begin(graph, ports={"grounding": "open"})
    assert (await talk.say("Say it", ThreadRef("t", "ana"))).answer == "Well, ana."


async def test_a_middleware_of_langchains_works(begin: Stage) -> None:
    summary = SummarizationMiddleware(model(), trigger=("messages", 4), keep=("messages", 2))
    say = InTurn("One.", "Two.", "They said one.", "Three.")
    graph = create_agent(model(), [], middleware=[summary])
    talk = begin(graph, say, ports={"grounding": "open"})
    for message in ("one", "two"):
        await talk.say(message)
    assert (await talk.say("three")).answer == "Three."
    assert any("They said one." in it.text for it in say.heard[3])
    assert "one" not in questions(say.heard[3])


async def test_progress_passes_unless_it_holds_what_may_not_leave(begin: Stage) -> None:
    async def node(state: MessagesState) -> Any:
        write = get_stream_writer()
        write({"percent": 50})
        write("halfway")
        write({"key": "planted-key-3456789"})
        return {"messages": [AIMessage("Done.")]}

    talk = begin(one_node(node), ports={"grounding": "open"}, llm_api_key=SecretStr("planted-key-3456789"))
    with capture_logs() as logged:
        progress = [it["data"] async for it in talk.events("Do it") if it["event"] == "progress"]
    assert progress == [{"percent": 50}, {"value": "halfway"}]
    assert "progress_withheld" in [it["event"] for it in logged]


@pytest.mark.parametrize("place", ["tool", "node"])
async def test_a_blocking_graph_is_left_at_the_deadline(begin: Stage, place: str) -> None:
    def find(number: int) -> str:
        """Find an order."""
        time.sleep(4)
        return "found"

    def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(find(7))]}

    guarded = tools(find, policy=Policy(tools=frozenset({"find"})))
    graph = create_agent(model(), guarded) if place == "tool" else one_node(node)
    talk = begin(graph, InTurn(call("find", number=7)), request_timeout_seconds=1)
    started = time.monotonic()
    reply = await talk.say("What is the state of order 7?")
    assert time.monotonic() - started < 2
    assert reply.degraded_because == ["out_of_time"]
    assert reply.agents[0].status == "missing"


async def test_a_graph_that_never_ends_is_over_its_budget(begin: Stage) -> None:
    async def node(state: MessagesState) -> Command[Any]:
        return Command(goto="node")

    reply = await begin(one_node(node), run_max_model_calls=2, run_max_tool_calls=2).say("Go on")
    assert reply.degraded_because == ["over_budget"]


@pytest.mark.parametrize("state", [{"messages": []}, {"messages": [AIMessage(" ")]}], ids=["nothing", "blank"])
async def test_a_graph_that_says_nothing_has_no_answer(begin: Stage, state: Any) -> None:
    async def node(given: MessagesState) -> Any:
        return state

    reply = await begin(one_node(node)).say("Say it")
    assert reply.degraded_because == ["model_unavailable"]


@pytest.mark.parametrize("owner", [PUBLIC, "ana"])
async def test_who_asks_is_a_name_that_a_store_takes(begin: Stage, owner: str) -> None:
    async def node(state: MessagesState, config: RunnableConfig, *, store: BaseStore) -> Any:
        user = config["configurable"]["user_id"]
        await store.aput(("people", user), "seen", {"times": 1})
        return {"messages": [AIMessage(f"Hello, {user}.")]}

    talk = begin(one_node(node), ports={"grounding": "open"})
    reply = await talk.say("Say hello to me", ThreadRef("t", owner))
    assert reply.answer == f"Hello, {owner or 'anybody'}."
