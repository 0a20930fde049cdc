import asyncio

import pytest

from harness.errors import ThreadBusy
from harness.storage.locks import ThreadLocks


async def test_who_comes_first_is_served_first() -> None:
    locks = ThreadLocks()
    served = []

    async def serve(number: int) -> None:
        async with locks.lock("name", 5):
            served.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(serve(number) for number in range(5)))
    assert served == [0, 1, 2, 3, 4]


async def test_a_free_name_is_held_without_any_wait() -> None:
    async with ThreadLocks().lock("name", 0):
        pass


async def test_who_waited_too_long_is_told_how_long() -> None:
    locks = ThreadLocks()
    async with locks.lock("name", 0):
        with pytest.raises(ThreadBusy, match=r"0.01 s: TURN_WAIT_SECONDS"):
            async with locks.lock("name", 0.01):
                pytest.fail("held twice")
    async with locks.lock("name", 0):
        pass


async def test_names_that_nobody_holds_are_forgotten() -> None:
    locks = ThreadLocks()
    for number in range(100):
        async with locks.lock(f"name {number}", 0):
            assert len(locks._locks) == 1
    assert len(locks._locks) == 0
