"""What a turn keeps of its reply; that turns are alone and run once is shown at the door."""

import pytest

from harness.errors import StoreUnavailable
from harness.run_context import RunContext
from harness.runtime.replies import ApprovalRequest, Degraded, Reply, UsageReport
from harness.runtime.sessions import Sessions, ThreadSession
from harness.runtime.state import Decision
from harness.settings import Settings
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef

T = ThreadRef("t", PUBLIC)


def reply(degraded_because: list[str] | None = None) -> Reply:
    return Reply(
        answer="mars has 2 moons.",
        language="en",
        agents=[],
        sources=[],
        degraded=bool(degraded_because),
        degraded_because=degraded_because or [],
        notices=["first"],
        usage=UsageReport(),
        thread_id="t",
        run_id="r",
    )


async def test_a_saved_reply_leaves_as_it_is_and_is_known_next_time(settings: Settings) -> None:
    turns = Sessions(settings, MemoryStore())
    async with turns.open("question", T, "key") as turn:
        assert turn.cached_reply is None
        assert await turn.finish(reply()) == reply()
    async with turns.open("question", T, "key") as turn:
        assert turn.cached_reply == reply()


async def test_a_reply_that_is_not_saved_says_so_and_may_be_tried_again(settings: Settings) -> None:
    turns = Sessions(settings, MemoryStore())
    async with turns.open("question", T, "key") as turn:
        saving = RunContext.current().persistence
        assert saving is not None
        saving.mark_failed(ConnectionError())
        told = await turn.finish(reply(["source_unavailable"]))
    assert told.degraded
    assert told.degraded_because == [Degraded.NOT_SAVED, "source_unavailable"]
    assert told.notices[0] == "first"
    assert "could not be saved" in told.notices[1]
    async with turns.open("question", T, "key") as turn:
        assert turn.cached_reply is None


async def test_a_call_whose_turn_is_not_saved_is_not_offered_for_approval(settings: Settings) -> None:
    call = ApprovalRequest(id="a", agent="orders", tool="cancel", arguments={}, expires_at="")
    async with Sessions(settings, MemoryStore()).open("question", T, None) as turn:
        saving = RunContext.current().persistence
        assert saving is not None
        saving.mark_failed(ConnectionError())
        told = await turn.finish(reply().model_copy(update={"approvals": [call]}))
    assert told.approvals == []


async def test_a_decision_is_refused_while_the_store_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()

    async def away(key: str) -> None:
        saving = RunContext.current().persistence
        assert saving is not None
        saving.mark_failed(ConnectionError())

    monkeypatch.setattr(store, "find_reply", away)
    with pytest.raises(StoreUnavailable):
        async with Sessions(settings, store).open_decision(Decision(id="a", verdict="approve"), T):
            pytest.fail("it may be decided")


async def test_a_reply_that_came_too_late_to_be_saved_may_be_tried_again(settings: Settings) -> None:
    turns = Sessions(settings, MemoryStore())
    async with turns.open("question", T, "key") as turn:
        late = reply([Degraded.NOT_SAVED])
        assert await turn.finish(late) == late
    async with turns.open("question", T, "key") as turn:
        assert turn.cached_reply is None


def test_requests_differ_by_message_and_by_thread() -> None:
    def fingerprint(text: str, thread: ThreadRef = T, key: str = "k") -> str:
        return ThreadSession(MemoryStore(), 60, thread, text, key).fingerprint

    same = fingerprint("a")
    assert fingerprint("a", key="other key") == same
    assert fingerprint("b") != same
    assert fingerprint("a", ThreadRef("u", PUBLIC)) != same


async def test_a_reply_kept_for_one_owner_is_not_known_to_another(settings: Settings) -> None:
    turns = Sessions(settings, MemoryStore())
    hers, his = ThreadRef("t", "a" * 32), ThreadRef("t", "b" * 32)
    async with turns.open("question", hers, "key") as turn:
        await turn.finish(reply())
    for other in (his, T):
        async with turns.open("question", other, "key") as turn:
            assert turn.cached_reply is None
    async with turns.open("question", hers, "key") as turn:
        assert turn.cached_reply == reply()
