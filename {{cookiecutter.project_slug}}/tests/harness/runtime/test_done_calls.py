"""A call of a writing tool runs once, however often LangGraph runs its node from the start."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import MessagesState

from harness.errors import StoreUnavailable
from harness.guards.tool_policy import PendingToolCall
from harness.runtime.done_calls import DoneCalls
from harness.storage.store import IdempotencyRecord
from tests.harness.runtime.graphs import Shop, Stage
from tests.harness.runtime.places import one_node


def in_a_row(shop: Shop, *numbers: int) -> Any:
    async def node(state: MessagesState) -> Any:
        done = [await shop.cancel.ainvoke({"number": number}) for number in numbers]
        return {"messages": [AIMessage(", ".join(done))]}

    return one_node(node)


def in_a_thread(shop: Shop, *numbers: int) -> Any:
    def node(state: MessagesState) -> Any:
        return {"messages": [AIMessage(", ".join(shop.cancel.invoke({"number": number}) for number in numbers))]}

    return one_node(node)


@pytest.mark.parametrize("place", [in_a_row, in_a_thread])
async def test_each_result_is_there_when_the_last_of_them_is_decided(
    begin: Stage, shop: Shop, place: Callable[..., Any]
) -> None:
    talk = begin(place(shop, 7, 8, 9))
    await talk.say("Cancel orders 7, 8 and 9")
    await talk.decide()
    await talk.decide("reject")
    reply = await talk.decide()
    assert [number for number, _ in shop.ran] == [7, 9]
    assert "\n\norder 7 is cancelled, This was rejected" in reply.answer
    assert reply.answer.endswith(", order 9 is cancelled")
    await talk.say("Cancel orders 7, 8 and 9")
    await talk.decide()
    assert [number for number, _ in shop.ran] == [7, 9, 7]  # another turn is another call


async def test_a_store_that_is_away_loses_the_result_and_runs_nothing_twice(
    begin: Stage, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = begin(in_a_row(shop, 7, 8))
    await talk.say("Cancel orders 7 and 8")

    save = talk.store.save_reply

    async def away(record: IdempotencyRecord) -> None:
        if " done " in record.key:
            raise StoreUnavailable("planted")
        await save(record)

    with monkeypatch.context() as patch:
        patch.setattr(talk.store, "save_reply", away)
        await talk.decide()
    await talk.decide()
    assert [number for number, _ in shop.ran] == [7, 8]


async def test_outside_of_a_run_nothing_is_kept_and_nothing_found() -> None:
    call = PendingToolCall("shop", "cancel", {"number": 7})
    await DoneCalls.save(call, "done")
    assert await DoneCalls.find(call) == []
