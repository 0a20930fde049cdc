import asyncio

import psycopg
import pytest
from psycopg.rows import dict_row

from harness.storage.advisory import AdvisoryLocks, Connection


async def locks_at(url: str) -> AdvisoryLocks:
    async def connect() -> Connection:
        return await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)

    return AdvisoryLocks(connect, timeout_seconds=5)


async def held(locks: AdvisoryLocks) -> int:
    query = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'"
    row = await (await (await locks.connection()).execute(query)).fetchone()
    assert row is not None
    return int(row["n"])


async def test_a_name_that_comes_after_its_caller_left_is_given_back(database_url: str) -> None:
    locks = await locks_at(database_url)
    taking = asyncio.create_task(locks.acquire("name", 5))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    async with asyncio.timeout(5):
        while locks._background:
            await asyncio.wait(set(locks._background))
    assert await held(locks) == 0
    await locks.aclose()


async def test_a_lost_connection_is_made_again(database_url: str) -> None:
    locks = await locks_at(database_url)
    async with locks.lock("name", 0):
        assert await held(locks) == 1
        await (await locks.connection()).close()
    async with locks.lock("name", 0):
        assert await held(locks) == 1
    assert await held(locks) == 0
    await locks.aclose()
