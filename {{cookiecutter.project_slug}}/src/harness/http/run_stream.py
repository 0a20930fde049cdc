"""A run in a task of its own, whoever reads along: a frame writer, a progress bar of another protocol."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Self

from anyio import CancelScope

from ..errors import ShuttingDown
from ..runtime.replies import Event
from .shutdown import ShutdownManager

HEARTBEAT: Final = Event(event="heartbeat", data={})


class RunStream:
    """The events of a run, one by one, and `heartbeat` where none comes for a while; `final` is the last.

    The run keeps its own context, and is cancelled once, as soon as nobody reads on. Iterate inside of
    `async with`, in any task, also under anyio's cancel scopes:

        async with RunStream(events, shutdown) as run:
            async for event in run: ...

    What the run raises, `ShuttingDown` included, is raised to whoever asks for the next event.
    """

    HEARTBEAT_SECONDS = 15.0
    """Longest silence. Proxies cut idle connections after 30 to 60 s (nginx: 60 s)."""

    def __init__(self, events: AsyncGenerator[Event], shutdown: ShutdownManager) -> None:
        """Start the run; `shutdown` ends it with the process."""
        self._shutdown = shutdown
        self._outcomes: asyncio.Queue[Event | Exception | None] = asyncio.Queue(maxsize=1)
        self._task = asyncio.create_task(self._collect(events))
        self._first: Event | None = None
        self._is_over = False

    async def begin(self) -> Self:
        """Wait for the first event, or the first silence, which is then the first to be read.

        So that what is refused before anything is said has a status, and no stream. Then the run is ended.
        """
        try:
            self._first = await self._next()
        except BaseException:
            self._is_over = True
            self._task.cancel()  # not waited for: a run that does not stop must not hold up its refusal
            raise
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel the run where it still runs, and wait until its tools have stopped."""
        # Cancelled once and left in peace: a second cancellation, which anyio sends on every
        # turn of the loop, would end the graph's own clean-up before it stops its nodes.
        self._is_over = True
        self._task.cancel()
        with CancelScope(shield=True):
            await asyncio.wait([self._task])

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event, self._first = self._first, None
        event = event or (None if self._is_over else await self._next())
        if event is None:
            raise StopAsyncIteration
        return event

    async def _collect(self, events: AsyncGenerator[Event]) -> None:
        end: Exception | None = None
        try:
            async with aclosing(events):
                async for event in events:
                    await self._outcomes.put(event)
        except Exception as error:  # noqa: BLE001  # handed on, to be told in the reader's protocol
            end = error
        await self._outcomes.put(end)

    async def _next(self) -> Event | None:
        try:
            with self._shutdown.request():
                async with asyncio.timeout(self.HEARTBEAT_SECONDS):
                    outcome = await self._outcomes.get()
        except TimeoutError:
            return HEARTBEAT
        except ShuttingDown:
            self._is_over = True
            raise
        if isinstance(outcome, Exception):
            self._is_over = True
            raise outcome
        self._is_over = outcome is None
        return outcome
