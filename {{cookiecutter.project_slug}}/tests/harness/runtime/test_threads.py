import pytest

from harness.errors import ThreadUnknown
from harness.runtime.threads import Threads
from harness.service import Service
from harness.settings import Settings
from harness.storage.memory import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.support.agents import TEST_AGENTS

T = ThreadRef("t", PUBLIC)


async def test_a_thread_is_told_as_far_as_it_is_remembered(settings: Settings) -> None:
    settings = settings.model_copy(update={"history_turns": 1})
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    await service.ask("Moons of Mars", T)
    await service.ask("Moons of Saturn", T)
    thread = await Threads(settings, store).read(T)
    assert [message.text for message in thread.messages] == [
        "Moons of Saturn",
        "saturn has 146 moons.",
    ]
    await service.aclose()


async def test_an_unknown_thread_is_neither_read_nor_deleted(settings: Settings) -> None:
    threads = Threads(settings, MemoryStore())
    with pytest.raises(ThreadUnknown):
        await threads.read(T)
    with pytest.raises(ThreadUnknown):
        await threads.delete(T)
