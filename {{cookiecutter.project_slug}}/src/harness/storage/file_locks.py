"""Locks that the processes of one machine share: bytes of a file, which the system gives back when a process ends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from ..errors import ThreadBusy

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLocks:
    """Locks of one process, each a byte beyond the end of an empty file: two system calls a turn.

    The caller sees to it that this process asks for a name once at a time, and opens the file once: within one
    process these locks do not exclude each other, and closing the file gives all of them back.
    """

    POLL_SECONDS: Final = 0.03
    """Pause between two tries: a wait in the system would block the thread; guess."""

    PLACES: Final = 1 << 30
    """Of which each name has one: Windows counts no further. Two names on one place wait for each other."""

    def __init__(self, path: Path) -> None:
        """Make the file where it is not; raises OSError where it cannot be written."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @asynccontextmanager
    async def lock(self, name: str, wait_seconds: float) -> AsyncIterator[None]:
        """Lock `name` while entered.

        Raises:
            ThreadBusy: Another process still had it after `wait_seconds`.
        """
        place = int.from_bytes(sha256(name.encode()).digest()) % self.PLACES
        clock = asyncio.get_running_loop().time
        last = clock() + wait_seconds
        while not self._try(place):
            if clock() >= last:
                raise ThreadBusy(wait_seconds)
            await asyncio.sleep(self.POLL_SECONDS)
        try:
            yield
        finally:
            self._unlock(place)

    def close(self) -> None:
        """Give every lock back."""
        os.close(self._file)

    if sys.platform == "win32":

        def _try(self, place: int) -> bool:
            os.lseek(self._file, place, os.SEEK_SET)
            try:
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            except PermissionError:
                return False
            return True

        def _unlock(self, place: int) -> None:
            os.lseek(self._file, place, os.SEEK_SET)
            msvcrt.locking(self._file, msvcrt.LK_UNLCK, 1)

    else:

        def _try(self, place: int) -> bool:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):  # POSIX lets systems answer either
                return False
            return True

        def _unlock(self, place: int) -> None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
