"""One server process under measurement: its start, its CPU time, its memory, its end. Reads Linux's ``/proc``."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
# Longer than any cold start seen; a guess for slow disks.
START_SECONDS = 90
STOP_SECONDS = 30
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class ServerError(Exception):
    """A server did not start or did not answer; the text has the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A command that listens on a port, entered when it is ready; ``command`` has ``{port}`` where the port goes."""

    def __init__(self, command: Sequence[str], folder: Path, settings: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.log = log
        self.start_cpu_seconds = 0.0
        self._command = [word.format(port=self.port) for word in command]
        self._folder = folder
        self._environment = os.environ | settings

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        self.start_cpu_seconds = self.cpu_seconds
        return self

    def __exit__(self, *_: object) -> None:
        # Not SIGTERM: uvicorn raises it again when it has shut down, and a profile would not be written.
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the process so far, in steps of 10 ms."""
        # The name, the second field, may hold spaces: what counts begins after its bracket.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    @property
    def resident_megabytes(self) -> float:
        line = next(line for line in self._proc("status").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.pid}/{name}").read_text(encoding="utf-8")

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://{HOST}:{self.port}/readyz", timeout=5):
                    return
            except OSError:  # refused until it listens, 503 until it is ready
                time.sleep(0.05)
        end = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise ServerError(f"{' '.join(self._command)} did not become ready:\n{end}")
