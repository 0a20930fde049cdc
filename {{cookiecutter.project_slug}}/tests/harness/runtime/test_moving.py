"""What of a conversation can be moved, and how graphs go on with it; that it goes on at all is shown over HTTP."""

from datetime import datetime
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from pydantic import ValidationError

from harness.runtime.agent import Agent
from harness.runtime.agent_flows import Handoffs, Supervisor
from harness.runtime.flows import OwnGraph, Parallel
from harness.runtime.graph_model import model
from harness.runtime.moving import Conversations, MovedThread
from harness.settings import Settings
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.graphs import InTurn, Shop, Stage, Talk, call
from tests.support.agents import HeightsAgent, MoonsAgent

OF_MARS = ("How many moons has Mars?", "Mars has 2 moons.")
OF_ORDER = ("What is the state of order 7?", "Order 7 is open.")
MOONS, ORDER = call("look_up", name="mars"), call("find", number=7)
KINDS: dict[str, tuple[tuple[str, str], list[AIMessage | str]]] = {
    "supervisor": (OF_MARS, [call("ask_moons", request=OF_MARS[0]), MOONS, OF_MARS[1]]),
    "handoffs": (OF_MARS, [MOONS]),
    "own": (OF_ORDER, [ORDER]),
    "agent": (OF_ORDER, [ORDER]),
}


def conversations(talk: Talk, settings: Settings) -> Conversations:
    return Conversations(talk.store, settings)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_graph_goes_on_with_what_was_said_where_it_was_before(
    begin: Stage, shop: Shop, settings: Settings, kind: str
) -> None:
    agents: list[type[Agent[Any]]] = [MoonsAgent, HeightsAgent]
    if kind == "agent":
        agents = [Agent.from_graph(create_agent(model(), shop.tools()), name="orders", description="Of an order.")]
    flows = {"supervisor": Supervisor(), "handoffs": Handoffs(), "agent": Parallel()}
    flow: Any = flows.get(kind) or OwnGraph(create_agent(model(), shop.tools()))
    (asked, answered), steps = KINDS[kind]
    here = begin(flow, InTurn(*steps, answered), agents)
    assert (await here.say(asked)).answer == answered
    (moved,) = [it async for it in conversations(here, settings).all()]

    model_there = InTurn(*[answered] * 4)
    there = begin(flow, model_there, agents)
    await conversations(there, settings).take(moved, overwrites=False)
    for _ in range(2):  # from the second time on its own memory has it
        model_there.heard.clear()
        await there.say(f"Once more: {asked}", ThreadRef("t", PUBLIC))
        texts = [str(it.text) for it in model_there.heard[0]]
        assert texts.count(asked) == 1
        assert texts[texts.index(asked) + 1] == answered


LINE: dict[str, Any] = {
    "version": 1,
    "owner": "0" * 32,
    "thread_id": "t1",
    "updated_at": "2026-01-02T03:04:05Z",
    "history": [{"question": "x", "language": "en", "answer": "y", "agents": [], "asked": False}],
}

WRONG: list[dict[str, Any]] = [
    {"version": 2},
    {"owner": "ana@example.com"},
    {"thread_id": "a b"},
    {"updated_at": datetime(2026, 1, 1)},  # noqa: DTZ001  # whose clock?
    {"history": []},
    {"history": [{"question": "x"}]},
    {"history": [LINE["history"][0] | {"language": "xx"}]},
    {"waiting": -1},
    {"more": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_conversation_of_ours_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MovedThread.model_validate(LINE | wrong, strict=False)
