import pytest

from harness.errors import InputRefused, RunUnknown
from harness.runtime.ratings import Ratings
from harness.service import Service
from harness.settings import Settings
from harness.storage.memory import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from harness.telemetry.langsmith import LangSmith
from harness.telemetry.redaction import Redactor
from tests.support.agents import TEST_AGENTS


@pytest.mark.checklist("OBS-6")
async def test_the_run_id_of_a_reply_is_what_is_rated(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    ratings = Ratings(settings, store, Redactor([settings]), LangSmith())
    first, reply = [await service.ask(it, ThreadRef("t", PUBLIC)) for it in ("Mars", "Saturn")]
    for run_id in (first.run_id, reply.run_id):
        await ratings.give(PUBLIC, run_id, "up", None)
    assert len([it async for it in store.feedback_since(0)]) == 2

    with pytest.raises(RunUnknown):
        await ratings.give("a" * 32, reply.run_id, "up", None)
    with pytest.raises(InputRefused):
        await ratings.give(PUBLIC, reply.run_id, "up", "a" * 1001)

    await ratings.give(PUBLIC, reply.run_id, "down", "It asked for card 4111 1111 1111 1111.")
    comments = [it.comment async for it in store.feedback_since(0) if it.run_id == reply.run_id]
    assert comments == ["It asked for card [card]."]
    await service.aclose()
