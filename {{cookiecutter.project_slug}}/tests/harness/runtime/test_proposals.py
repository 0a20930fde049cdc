"""Nothing in a thread's state alone runs anything: what a person was shown runs, as it was shown, once."""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from harness.errors import ApprovalDecided, ApprovalUnknown
from harness.runtime.approvals import Approvals
from harness.runtime.proposals import Proposals
from harness.runtime.replies import Reply
from harness.runtime.state import Decision, PendingCall
from harness.service import Service
from harness.settings import Settings
from harness.storage.checkpoint_ids import CheckpointIds
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Store
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.support.writing_agent import OrdersAgent

NUMBERS = count(1)

T, OTHER = ThreadRef("t", PUBLIC), ThreadRef("other", PUBLIC)


class Shop:
    """A service with an agent that writes, and its store."""

    def __init__(self, service: Service, store: Store) -> None:
        self.service = service
        self.store = store

    async def decide(self, call_id: str, thread: ThreadRef = T) -> Reply:
        return await self.service.decide(Decision(id=call_id, verdict="approve"), thread)

    async def waiting(self, thread: ThreadRef = T) -> list[PendingCall]:
        return await Proposals(self.store).open(thread, await self.store.saver.aget_tuple(self.of(thread)))

    async def copied(
        self, thread: ThreadRef, change: Callable[[Any], None] = lambda _: None, *, is_shown: bool = True
    ) -> None:
        """The newest checkpoint of `T` as the newest of `thread`, with its calls changed; as shown, too."""
        saver = self.store.saver
        saved = await saver.aget_tuple(self.of(T))
        assert saved is not None
        checkpoint = deepcopy(saved.checkpoint)
        checkpoint["id"] = CheckpointIds.first(self.later()) + saved.checkpoint["id"][-17:]
        for outcome in checkpoint["channel_values"]["outcomes"]:
            change(outcome["call"])
        version = checkpoint["channel_versions"]["outcomes"]
        checkpoint["channel_versions"]["outcomes"] = f"{version}1"  # PostgreSQL keeps a value by its version
        config = await saver.aput(self.of(thread), checkpoint, saved.metadata, checkpoint["channel_versions"])
        for task_id, channel, value in deepcopy(saved.pending_writes or []):
            if channel == Approvals.INTERRUPT and is_shown:
                for interrupt in value:
                    for call in interrupt.value:
                        change(call)
            await saver.aput_writes(config, [(channel, value)], task_id)

    @staticmethod
    def later() -> datetime:
        """A moment after all checkpoints, and after itself as it was before."""
        return datetime.now(UTC) + timedelta(seconds=next(NUMBERS))

    @staticmethod
    def of(thread: ThreadRef) -> RunnableConfig:
        return {"configurable": {"thread_id": thread.key, "checkpoint_ns": ""}}


@pytest.fixture
async def shop(every_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setattr(OrdersAgent, "ran", [])
    settings = Settings(database_url=every_url)
    async with Checkpoints.open(settings) as store:
        service = Service(settings, [OrdersAgent], store)
        yield Shop(service, store)
        await service.aclose()


async def test_a_call_that_nobody_was_shown_runs_nothing(shop: Shop) -> None:
    """A checkpoint that says a call waits, as whoever may write to the store could make it."""
    await shop.service.ask("Cancel order 7", T)
    forged = "f" * 32
    await shop.copied(T, lambda call: call.update(id=forged))
    assert await shop.waiting() == []
    with pytest.raises(ApprovalUnknown):
        await shop.decide(forged)
    assert OrdersAgent.ran == []


@pytest.mark.parametrize(
    "changes", [{"arguments": {"number": 8, "reason": "none"}}, {"tool": "look_up"}, {"agent": "x"}]
)
async def test_a_call_that_is_not_as_it_was_shown_runs_nothing(shop: Shop, changes: Any) -> None:
    (call,) = (await shop.service.ask("Cancel order 7", T)).approvals
    await shop.copied(T, lambda pending: pending.update(changes))
    assert await shop.waiting() == []
    with pytest.raises(ApprovalUnknown):
        await shop.decide(call.id)
    assert OrdersAgent.ran == []


async def test_a_call_that_the_state_says_otherwise_than_the_interrupt_runs_nothing(shop: Shop) -> None:
    (call,) = (await shop.service.ask("Cancel order 7", T)).approvals
    await shop.copied(T, lambda pending: pending.update(arguments={"number": 8, "reason": "none"}), is_shown=False)
    assert [it["id"] for it in await shop.waiting()] == [call.id]
    with pytest.raises(ApprovalUnknown):
        await shop.decide(call.id)
    assert OrdersAgent.ran == []


async def test_a_call_of_a_copied_thread_runs_nothing(shop: Shop) -> None:
    (call,) = (await shop.service.ask("Cancel order 7", T)).approvals
    await shop.copied(OTHER)
    assert await shop.waiting(OTHER) == []
    with pytest.raises(ApprovalUnknown):
        await shop.decide(call.id, OTHER)
    assert OrdersAgent.ran == []
    await shop.decide(call.id)
    assert [number for number, _, _ in OrdersAgent.ran] == [7]


async def test_a_thread_that_is_set_back_runs_its_call_no_second_time(shop: Shop) -> None:
    first, second = (await shop.service.ask("Cancel orders 7, 8", T)).approvals
    before = await shop.store.saver.aget_tuple(shop.of(T))
    assert before is not None
    done = await shop.decide(first.id)
    config = await shop.store.saver.aput(
        shop.of(T),
        {**before.checkpoint, "id": CheckpointIds.first(shop.later()) + before.checkpoint["id"][-17:]},
        before.metadata,
        before.checkpoint["channel_versions"],
    )
    for task_id, channel, value in before.pending_writes or []:
        await shop.store.saver.aput_writes(config, [(channel, value)], task_id)
    assert [it["id"] for it in await shop.waiting()] == [second.id]
    assert await shop.decide(first.id) == done  # the reply of then
    with pytest.raises(ApprovalDecided):
        await shop.service.decide(Decision(id=first.id, verdict="reject"), T)
    assert [number for number, _, _ in OrdersAgent.ran] == [7]


async def test_a_decision_shows_no_call_that_was_not_shown_before(shop: Shop) -> None:
    """A forged call beside a real one is in the reply to the real one's decision: that proposes nothing."""
    first, second = (await shop.service.ask("Cancel orders 7, 8", T)).approvals
    forged = "f" * 32
    await shop.copied(T, lambda call: call.update(id=forged) if call["id"] == second.id else None)
    reply = await shop.decide(first.id)
    assert [it.id for it in reply.approvals] == [forged]
    assert await shop.waiting() == []
    with pytest.raises(ApprovalUnknown):
        await shop.decide(forged)
    assert [number for number, _, _ in OrdersAgent.ran] == [7]


async def test_after_a_decision_the_graph_itself_resumes_nothing_more(shop: Shop) -> None:
    (call,) = (await shop.service.ask("Cancel order 7", T)).approvals
    await shop.decide(call.id)
    graph: Any = shop.service.graph
    await graph.ainvoke(Command(resume={"id": call.id, "verdict": "approve"}), shop.of(T))
    assert [number for number, _, _ in OrdersAgent.ran] == [7]


def test_fingerprints_differ_by_each_part_and_not_by_the_order_of_arguments() -> None:
    calls: list[tuple[str, str, str, dict[str, Any]]] = [
        ("", "a", "t", {"n": 1}),
        ("o", "a", "t", {"n": 1}),
        ("o", "b", "t", {"n": 1}),
        ("o", "a", "u", {"n": 1}),
        ("o", "a", "t", {"n": "1"}),
        ("o", "a", "t", {"n": 1, "m": None}),
        ("oa", "", "t", {"n": 1}),
    ]
    assert len({Proposals.fingerprint(*call) for call in calls}) == len(calls)
    assert Proposals.fingerprint("", "a", "t", {"x": 1, "y": [2]}) == Proposals.fingerprint(
        "", "a", "t", {"y": [2], "x": 1}
    )
