"""A call of a writing tool runs once, however often LangGraph runs its node from the start."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId
from langgraph.graph import MessagesState
from langgraph.types import Command

from harness.errors import StoreUnavailable
from harness.guards.tool_policy import PendingToolCall
from harness.runtime.done_calls import DoneCalls
from harness.runtime.guarded_tools import tools
from harness.sources.policy import Policy
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


async def test_what_a_call_did_to_the_state_and_how_it_failed_is_kept_too(begin: Stage) -> None:
    ran: list[int] = []

    def cancel(number: int, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Cancel an order."""
        ran.append(number)
        if number == 8:
            raise RuntimeError("planted, password=hunter2")
        return Command(update={"messages": [ToolMessage(f"{number} is gone", tool_call_id=tool_call_id)]})

    policy = Policy(requires_approval=frozenset({"cancel"}))
    (guarded,) = tools(cancel, policy=policy, agent="shop")

    async def node(state: MessagesState) -> Any:
        said: list[str] = []
        for number in (7, 8, 9):
            call = {"type": "tool_call", "id": str(number), "name": "cancel", "args": {"number": number}}
            left: Any = await guarded.ainvoke(call)
            said.append(getattr(left, "update", {"messages": [left]})["messages"][0].text)
        return {"messages": [AIMessage("; ".join(said))]}

    talk = begin(one_node(node), ports={"grounding": "open"})
    await talk.say("Cancel orders 7, 8 and 9")
    await talk.decide()
    await talk.decide()
    reply = await talk.decide()
    assert ran == [7, 8, 9]
    assert reply.answer.endswith("7 is gone; The tool failed.; 9 is gone")


async def test_outside_of_a_run_nothing_is_kept_and_nothing_found() -> None:
    call = PendingToolCall("shop", "cancel", {"number": 7})
    await DoneCalls.save(call, "done")
    assert await DoneCalls.find(call) == []
