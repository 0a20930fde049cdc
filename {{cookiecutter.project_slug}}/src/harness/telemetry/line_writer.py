"""Log lines written in a thread of their own: who reads them may stall, and no request waits for that."""

import os
import stat
from collections import deque
from threading import Condition, Thread
from typing import Final, Self, TextIO

import structlog

from .metrics import LOG_LINES_DROPPED

log = structlog.stdlib.get_logger(__name__)


class LineWriter:
    """Writes to what may stall: a pipe, a socket, a terminal. Lines beyond its queue are dropped and counted.

    The event loop would stand still in a write to a full pipe, the answers to probes included.
    """

    LAST_SECONDS: Final = 2.0
    """Longest wait for the reader at the process's end, seconds; guess."""

    def __init__(self, descriptor: int, encoding: str, max_bytes: int) -> None:
        """Write to `descriptor`; up to `max_bytes` may wait."""
        self._descriptor = descriptor
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0
        self._is_over = False
        self._changed = Condition()
        self.thread = Thread(target=self._run, name="log", daemon=True)
        self.thread.start()

    @classmethod
    def over(cls, stream: TextIO, max_bytes: int) -> Self | None:
        """A writer to `stream`; None for a file or a stream of a test, which never stall."""
        try:
            descriptor = stream.fileno()
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
        except (OSError, ValueError):
            return None
        return cls(descriptor, stream.encoding or "utf-8", max_bytes)

    def write(self, line: str) -> None:
        """Have `line` written, or drop it; never waits."""
        data = line.encode(self._encoding, "backslashreplace")
        with self._changed:
            if self._bytes + len(data) > self._max_bytes:
                self._drop(1, "queue_full")
                return
            self._waiting.append(data)
            self._bytes += len(data)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written, LAST_SECONDS at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._bytes, self.LAST_SECONDS)

    def close(self) -> None:
        """Write what waits, and nothing more."""
        self.flush()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _run(self) -> None:
        while lines := self._take():
            data = b"".join(lines)
            left = memoryview(data)
            try:
                while left:  # not by the stream: its lock, held here, would break the interpreter's end
                    left = left[os.write(self._descriptor, left) :]
            except OSError:  # nobody is there any more
                self._end(len(data), dropped=len(lines))
                continue
            if dropped := self._end(len(data)):
                log.warning("log_lines_dropped", lines=dropped)

    def _take(self) -> list[bytes]:
        """What waits; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            lines = [*self._waiting]
            self._waiting.clear()
            return lines

    def _end(self, size: int, dropped: int = 0) -> int:
        """One write has ended; how many lines were dropped and not told of yet."""
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()
            if dropped:
                self._drop(dropped, "not_written")
                return 0
            told, self._dropped = self._dropped, 0
            return told

    def _drop(self, lines: int, reason: str) -> None:
        self._dropped += lines
        LOG_LINES_DROPPED.labels(reason).inc(lines)
