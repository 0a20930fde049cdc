"""A run in a task of its own: read in any task, cancelled once, under anyio's scopes too."""

import asyncio
from collections.abc import AsyncGenerator

import anyio
import pytest

from harness.errors import InputRefused, ShuttingDown
from harness.http.run_stream import RunStream
from harness.http.shutdown import ShutdownManager
from harness.runtime.replies import Event
from harness.settings import Settings

PATIENCE_SECONDS = 5

PLAN = Event(event="plan", data={})
FINAL = Event(event="final", data={"answer": "2"})


def life() -> ShutdownManager:
    return ShutdownManager(Settings())


async def of(*outcomes: Event | Exception) -> AsyncGenerator[Event]:
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
        yield outcome


class Slow:
    """A run that works until it is cancelled, and needs several turns of the loop to clean up."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cleaned_up = False

    async def events(self) -> AsyncGenerator[Event]:
        yield PLAN
        try:
            self.began.set()
            await asyncio.Event().wait()
        finally:
            for _ in range(9):
                await asyncio.sleep(0)
            self.cleaned_up = True


async def test_the_events_come_as_they_are() -> None:
    async with RunStream(of(PLAN, FINAL), life()) as run:
        assert [event async for event in run] == [PLAN, FINAL]
        assert [event async for event in run] == []


async def test_what_it_raises_is_raised_to_the_reader() -> None:
    async with RunStream(of(PLAN, KeyError("x")), life()) as run:
        assert await anext(run) == PLAN
        with pytest.raises(KeyError):
            await anext(run)
        with pytest.raises(StopAsyncIteration):
            await anext(run)


async def test_what_is_refused_before_the_first_event_is_raised_by_begin() -> None:
    with pytest.raises(InputRefused):
        await RunStream(of(InputRefused("message", "no")), life()).begin()
    async with await RunStream(of(PLAN, FINAL), life()).begin() as run:
        assert [event async for event in run] == [PLAN, FINAL]


async def test_silence_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    async with RunStream(slow.events(), life()) as run:
        assert await anext(run) == PLAN  # under a short patience, a busy machine is silent before it too
        monkeypatch.setattr(RunStream, "HEARTBEAT_SECONDS", 0.001)
        assert [(await anext(run))["event"] for _ in range(2)] == ["heartbeat", "heartbeat"]
    assert slow.cleaned_up


async def test_a_reader_whose_scope_is_cancelled_stops_the_run_and_lets_it_clean_up() -> None:
    """As the SDK of MCP does it: anyio cancels again on every turn of the loop."""
    slow = Slow()

    async def read() -> None:
        async with RunStream(slow.events(), life()) as run:
            async for _ in run:
                pass

    async with asyncio.timeout(PATIENCE_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await slow.began.wait()
            group.cancel_scope.cancel()
    assert slow.cleaned_up


async def test_the_process_that_ends_ends_the_run() -> None:
    slow, shutdown = Slow(), life()
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with RunStream(slow.events(), shutdown) as run:
            assert await anext(run) == PLAN
            await slow.began.wait()
            asyncio.get_running_loop().call_soon(shutdown.cancel_all)
            with pytest.raises(ShuttingDown):
                await anext(run)
    assert slow.cleaned_up
