"""Ids that rise; that turns are seen whatever the clocks is shown over HTTP, in `test_clocks_apart.py`."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from harness.run_context import RunContext
from harness.storage.checkpoint_ids import CheckpointIds
from harness.storage.persistence import DegradingCheckpointer, PersistenceStatus, StoreTimeout
from tests.harness.storage.test_store import of
from tests.support import clock

HOUR = 3600.0
PARENTS = (
    "1f0cc3a0-0000-6000-8001-0123456789ab",
    "1f0cc3a0-0000-6fff-8001-0123456789ab",
    "1f0cc3a0-ffff-6fff-8001-0123456789ab",
    "1effffff-ffff-6fff-bfff-ffffffffffff",
)


@pytest.fixture
def late_clock() -> Iterator[None]:
    yield
    clock.set_back(0)


@pytest.mark.parametrize("parent", PARENTS)
def test_the_id_after_another_is_above_it(parent: str) -> None:
    made = str(uuid6(clock_seq=3))
    after = CheckpointIds.after(parent, made)
    assert parent < after < CheckpointIds.after(after, made)
    assert UUID(after).version == 6
    assert UUID(after).int % (1 << 64) == UUID(made).int % (1 << 64)


@pytest.mark.parametrize("behind", [0.0, 30.0, HOUR])
def test_each_checkpoint_of_a_graph_is_above_the_one_before(behind: float, late_clock: None) -> None:
    CheckpointIds.install()
    CheckpointIds.install()  # as a second store does
    saver = InMemorySaver()
    graph = StateGraph(MessagesState).add_node("say", lambda _: {"messages": "b"}).add_edge(START, "say")
    app = graph.compile(saver)
    config = of("t")
    said: Any = [{"messages": [HumanMessage(text)]} for text in "acde"]
    app.invoke(said[0], config)
    before = [it.config["configurable"]["checkpoint_id"] for it in saver.list(config)]
    clock.set_back(behind)
    app.invoke(said[1], config, durability="exit")
    app.update_state(config, said[2])
    app.invoke(said[3], config)
    found = [it.config["configurable"]["checkpoint_id"] for it in saver.list(config)]
    assert min(set(found) - set(before)) > max(before)
    assert [it.content for it in app.get_state(config).values["messages"]] == list("abcbdeb")


class Saver(DegradingCheckpointer, InMemorySaver):
    timeout = StoreTimeout(5, ())


async def test_a_checkpoint_that_would_never_be_seen_is_told_as_not_saved() -> None:
    saver, below, parent = Saver(), empty_checkpoint(), empty_checkpoint()
    await saver.aput(of("t"), parent, {}, {})
    after_parent = {"configurable": {**of("t")["configurable"], "checkpoint_id": parent["id"]}}
    status = PersistenceStatus()
    with RunContext.scope(persistence=status):
        await saver.aput(after_parent, below, {}, {})  # type: ignore[arg-type]
    assert status.failed
