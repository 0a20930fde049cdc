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


async def test_a_caller_between_a_release_and_the_next_waiter_waits_no_longer_than_it_may() -> None:
    """Earned by a bound that held only for a lock that was locked: one just released is not."""
    locks = ThreadLocks()
    release = asyncio.Event()

    async def second() -> None:
        async with locks.lock("name", 5):
            await release.wait()

    async with locks.lock("name", 5):
        waiter = asyncio.create_task(second())
        await asyncio.sleep(0)  # first in line
    # The name is released, and the second has not been woken yet.
    try:
        with pytest.raises(ThreadBusy):
            async with asyncio.timeout(5), locks.lock("name", 0.01):
                pytest.fail("held twice")
    finally:
        release.set()
        await waiter
