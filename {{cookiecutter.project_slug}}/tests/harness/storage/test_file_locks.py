"""Locks over the processes of one machine, as a store in SQLite has them."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from harness.errors import ThreadBusy
from harness.storage.sqlite import SqliteStore

HOLDER = """
import asyncio, sys
from pathlib import Path
from harness.storage.sqlite import SqliteStore

async def hold():
    async with SqliteStore(Path(sys.argv[1]), 5) as store, store.lock("thread t1", 0):
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(hold())
"""


@pytest.mark.checklist("PLAT-1")
async def test_a_turn_in_one_process_is_waited_for_by_another_until_it_or_its_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, str(path), stdin=PIPE, stdout=PIPE)
    assert holder.stdout
    assert (await holder.stdout.readline()).strip() == b"held"
    async with SqliteStore(path, 5) as store:
        with pytest.raises(ThreadBusy):
            async with store.lock("thread t1", 0.1):
                pytest.fail("held twice")
        async with store.lock("thread t2", 0):
            pass
        holder.kill()
        async with store.lock("thread t1", 5):
            pass
    await holder.wait()
