"""What belongs to one run reaches all of its tasks, and no other run."""

import asyncio

from harness.run_context import RunContext


def test_a_change_holds_inside_of_its_block_only_and_leaves_the_rest() -> None:
    assert RunContext.current().language == "en"
    with RunContext.scope(run_id="run-1"), RunContext.scope(language="es") as inner:
        assert (inner.run_id, inner.language) == ("run-1", "es")
        assert RunContext.current() is inner
    assert RunContext.current() == RunContext()


async def test_a_task_keeps_the_run_that_started_it() -> None:
    async def run_id() -> str:
        await asyncio.sleep(0)
        return RunContext.current().run_id

    with RunContext.scope(run_id="first"):
        first = asyncio.create_task(run_id())
    with RunContext.scope(run_id="second"):
        second = asyncio.create_task(run_id())
    assert [*await asyncio.gather(first, second)] == ["first", "second"]
