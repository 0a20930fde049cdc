from harness.storage.memory import MemoryStore
from tests.harness.storage.stores import keep, knows


async def test_threads_are_forgotten_with_the_store() -> None:
    async with MemoryStore() as store:
        await keep(store, "t1")
        assert await knows(store, "t1")
    async with MemoryStore() as store:
        assert not await knows(store, "t1")
