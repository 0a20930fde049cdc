"""A store that fails costs a turn its memory, and a thread none of its past."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver

from harness.errors import StoreUnavailable
from harness.limits.deadline import Deadline, DeadlineFraction
from harness.run_context import RunContext
from harness.storage.persistence import DegradingCheckpointer, StoreTimeout
from tests.harness.storage.test_store import of, run_that_degrades


class Saver(DegradingCheckpointer, InMemorySaver):
    """Memory that can be broken."""

    timeout = StoreTimeout(5, (ConnectionError,))
    is_broken = False

    def get_tuple(self, config: Any) -> Any:
        if self.is_broken:
            raise ConnectionError
        return super().get_tuple(config)

    def put(self, config: Any, *rest: Any) -> Any:
        if self.is_broken:
            raise ConnectionError
        return super().put(config, *rest)


@pytest.fixture
async def saver() -> Saver:
    saver = Saver()
    await saver.aput(of("t"), empty_checkpoint(), {}, {})
    return saver


async def test_outside_of_a_turn_a_failure_is_told(saver: Saver) -> None:
    saver.is_broken = True
    with pytest.raises(StoreUnavailable, match="ConnectionError"):
        await saver.aget_tuple(of("t"))


async def test_inside_of_a_turn_a_failure_is_noted(saver: Saver) -> None:
    saver.is_broken = True
    with run_that_degrades() as saving:
        assert await saver.aget_tuple(of("t")) is None
        assert saving.failed
    assert RunContext.current().persistence is None


async def test_a_thread_that_could_not_be_read_is_not_written_over(saver: Saver) -> None:
    with run_that_degrades() as saving:
        saver.is_broken = True
        await saver.aget_tuple(of("t"))
        saver.is_broken = False
        changed = empty_checkpoint()
        await saver.aput(of("t"), changed, {}, {})
        await saver.aput_writes(
            {"configurable": {**of("t")["configurable"], "checkpoint_id": changed["id"]}}, [], "task"
        )
        assert saving.failed
    found = await saver.aget_tuple(of("t"))
    assert found is not None
    assert found.checkpoint["id"] != changed["id"]


async def test_a_turn_whose_store_answers_is_saved(saver: Saver) -> None:
    with run_that_degrades() as saving:
        await saver.aput(of("other"), empty_checkpoint(), {}, {})
        assert not saving.failed
    await saver.adelete_thread("t")
    assert await saver.aget_tuple(of("t")) is None
    assert await saver.aget_tuple(of("other")) is not None


async def test_an_error_that_is_no_absence_is_raised() -> None:
    async def broken() -> None:
        raise LookupError

    with run_that_degrades(), pytest.raises(LookupError):
        await StoreTimeout(5, (ConnectionError,)).call_or(broken(), None)


@pytest.mark.parametrize(("own", "deadline"), [(0.01, 60), (60, 0.01)])
async def test_an_answer_is_waited_for_within_its_bound_and_the_deadline(own: float, deadline: float) -> None:
    with Deadline.scope(deadline), pytest.raises(StoreUnavailable, match="no answer in"):
        async with asyncio.timeout(5):
            await StoreTimeout(own, ()).call(asyncio.Event().wait())


async def test_a_question_that_ignores_its_cancellation_is_left_behind() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(5):
            await StoreTimeout(0.01, ()).call(stubborn())
    release.set()
    await asyncio.sleep(0)


async def test_a_caller_who_is_cancelled_takes_the_question_along() -> None:
    cancelled = asyncio.Event()

    async def question() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    asking = asyncio.create_task(StoreTimeout(60, ()).call(question()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(5):
        await cancelled.wait()
    assert cancelled.is_set()


async def test_what_a_step_leaves_when_its_time_is_over_is_saved(saver: Saver) -> None:
    """Such as the state of a graph that was cut off: the request has time left."""
    changed = empty_checkpoint()
    with run_that_degrades() as saving, Deadline.scope(2), suppress(TimeoutError):
        async with Deadline.until(DeadlineFraction.PLAN):
            try:
                await asyncio.sleep(30)
            finally:
                await saver.timeout.call_or(asyncio.sleep(0.05), None)  # a store that takes its time
                await saver.aput(of("t"), changed, {}, {})
    assert not saving.failed
    kept = await saver.aget_tuple(of("t"))
    assert kept
    assert kept.checkpoint["id"] == changed["id"]


async def test_the_first_checkpoint_of_a_graph_inside_of_a_graph_is_saved(saver: Saver) -> None:
    """LangGraph says that it has no parent by None."""
    inner = of("t")
    inner["configurable"] |= {"checkpoint_ns": "node:1", "checkpoint_id": None}
    with run_that_degrades() as saving:
        await saver.aput(inner, empty_checkpoint(), {}, {})
    assert not saving.failed
    del inner["configurable"]["checkpoint_id"]
    assert await saver.aget_tuple(inner)
