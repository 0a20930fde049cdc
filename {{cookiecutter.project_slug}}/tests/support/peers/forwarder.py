"""A name in front of servers: where it leads to may change, and what is behind it may go silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self


class Forwarder:
    """Passes TCP connections on to the port `target`, on loopback, in threads."""

    ADDRESS = "127.0.0.1"
    SECONDS = 5

    def __init__(self, target: int) -> None:
        """Change `target` to lead new connections elsewhere: those that are open stay where they are."""
        self.target = target
        self._listener = socket.create_server((self.ADDRESS, 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets = [self._listener]
        self._hears = self._new()
        self._threads: list[threading.Thread] = []

    def silence(self) -> None:
        """Pass nothing on, and tell nobody: as a host that is lost, or a firewall that has forgotten."""
        self._hears.clear()

    def speak(self) -> None:
        """Pass new connections on; those from before stay silent for ever."""
        self._hears = self._new()

    @staticmethod
    def _new() -> threading.Event:
        event = threading.Event()
        event.set()
        return event

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                self._sockets.append(here)
                self._start(self._connect, here, self._hears)

    def _connect(self, here: socket.socket, hears: threading.Event) -> None:
        with suppress(OSError):
            there = socket.create_connection((self.ADDRESS, self.target))
            self._sockets.append(there)
            self._start(self._copy, here, there, hears)
            self._copy(there, here, hears)

    @staticmethod
    def _copy(giver: socket.socket, taker: socket.socket, hears: threading.Event) -> None:
        with suppress(OSError):
            while data := giver.recv(65_536):
                if not hears.is_set():
                    return
                taker.sendall(data)
            if hears.is_set():
                taker.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Passing on while entered."""
        self._start(self._accept)
        try:
            yield self
        finally:
            for it in list(self._sockets):
                with suppress(OSError):
                    it.shutdown(socket.SHUT_RDWR)
                it.close()
            for thread in list(self._threads):
                thread.join(self.SECONDS)
