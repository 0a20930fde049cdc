"""Graceful shutdown: fail readiness, drain, cancel."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog

from ..errors import ShuttingDown
from ..settings import Settings

Handler = Callable[[int, FrameType | None], Any]

log = structlog.stdlib.get_logger(__name__)


class ShutdownManager:
    """Takes SIGTERM before the server does, and hands it on when the delay is over.

    SIGTERM -> `/readyz` is 503, everything is still served -> after SHUTDOWN_DELAY_SECONDS the
    server takes no new request -> after SHUTDOWN_GRACE_SECONDS what still runs ends with
    `ShuttingDown`. SIGINT is a person who waits: no delay.
    """

    def __init__(self, settings: Settings) -> None:
        self._delay_seconds = settings.shutdown_delay_seconds
        self._grace_seconds = settings.shutdown_grace_seconds
        self._running: set[asyncio.Task[Any]] = set()
        self.is_ending = False
        """True from the first signal on."""
        self._is_over = False
        self._cut: set[asyncio.Task[Any]] = set()

    @contextmanager
    def install(self) -> Iterator[None]:
        """Take the signals that a server has taken; without one they keep their meaning."""
        handlers: dict[int, Handler] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                old = signal.getsignal(number)
                if callable(old) and old is not signal.default_int_handler:
                    handlers[number] = old
        loop = asyncio.get_running_loop()

        def handle(number: int, _: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._end, loop, number, handlers[number])

        for name in handlers:
            signal.signal(name, handle)
        try:
            yield
        finally:
            for name, server in handlers.items():
                signal.signal(name, server)

    def _end(self, loop: asyncio.AbstractEventLoop, number: int, server: Handler) -> None:
        if self.is_ending:  # asked twice: at once
            server(number, None)
            return
        self.is_ending = True
        delay = self._delay_seconds if number == signal.SIGTERM else 0
        log.info("ending", delay_seconds=delay, grace_seconds=self._grace_seconds)
        loop.call_later(delay, server, number, None)
        loop.call_later(delay + self._grace_seconds, self.cancel_all)

    def cancel_all(self) -> None:
        """End everything that runs, now."""
        self._is_over = True
        self._cut = set(self._running)
        for task in self._cut:
            task.cancel()

    @contextmanager
    def request(self) -> Iterator[None]:
        """What waits in the block is ended with the process.

        Raises:
            ShuttingDown: The process ends, and the time for open requests is over.
        """
        if self._is_over:
            raise ShuttingDown
        task = asyncio.current_task()
        if task is None:  # not in a task: nothing could end it
            yield
            return
        self._running.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task in self._cut and not task.uncancel():
                raise ShuttingDown from None
            raise
        finally:
            self._running.discard(task)
