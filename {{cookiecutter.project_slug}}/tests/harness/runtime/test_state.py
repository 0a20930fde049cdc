"""A checkpoint holds plain JSON types only, so that another version can read it."""

import json

from harness.service import Service
from harness.settings import Settings
from harness.storage.memory import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.support.agents import TEST_AGENTS

T = ThreadRef("t", PUBLIC)


async def test_everything_that_a_turn_keeps_is_json(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    await service.ask("How many moons has Mars and how high is Everest?", T)
    checkpoint = await store.saver.aget({"configurable": {"thread_id": "t"}})
    assert checkpoint is not None
    kept = {k: v for k, v in checkpoint["channel_values"].items() if not k.startswith("__")}
    assert json.loads(json.dumps(kept)) == kept
    assert {"question", "answer", "history", "outcomes"} <= set(kept)
    await service.aclose()
