"""Service processes for the tests that end them: started side by side, ended by their process id."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
INHERITED = ("PATH", "SYSTEMROOT", "TEMP", "TMP")
"""What a process gets of our environment; it reads its settings from the rest."""


class Process:
    """One service, by default `app serve` with the agents of the tests, and a client of it."""

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        number: int = 0,
        module: Sequence[str] = ("tests.support.served",),
        *,
        cwd: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
        self._log = folder / f"log{number}"
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "LANGUAGE": "en",
            "LOG_FORMAT": "json",
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
            "PORT": port,
            **settings,
        }
        self.address = f"http://127.0.0.1:{port}"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([python, "-m", *module], cwd=cwd or folder, env=environment, stderr=log)
        self.client = httpx2.Client(base_url=self.address, timeout=PATIENCE_SECONDS)

    @property
    def log(self) -> str:
        """What it logged."""
        return self._log.read_text(encoding="utf-8")

    def wait_until_ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Raises when it ends instead."""
        last = time.monotonic() + seconds
        while time.monotonic() < last and self.process.poll() is None:
            try:
                if self.client.get("/readyz").is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready: {self.log}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; its exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End it whatever it does."""
        self.client.close()
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


@contextmanager
def processes(count: int, settings: Mapping[str, str], folder: Path) -> Iterator[Sequence[Process]]:
    """Some processes with the same settings, ready."""
    with ExitStack() as stack:
        started = []
        for number in range(count):
            started.append(Process(settings, folder, number))
            stack.callback(started[-1].close)
        for process in started:
            process.wait_until_ready()
        yield started


MODELS = ("LLM_MODEL", "LLM_PLANNER_MODEL", "LLM_AGENT_MODEL", "LLM_WRITER_MODEL")


@contextmanager
def serving(settings: Mapping[str, str], module: Sequence[str] = ("app", "serve")) -> Iterator[str]:
    """The address of a service to measure: no key, no network, no limit, a store of its own.

    `.env` counts as it does for `make dev`.
    """
    with tempfile.TemporaryDirectory() as folder:
        alone = {
            **dict.fromkeys(MODELS, "embedded"),
            "USE_FAKE_DATA": "true",
            "LIMITS": "off",  # one address asks as many do
            "DATABASE_URL": f"sqlite:///{folder}/threads.sqlite",
        }
        process = Process({**alone, **settings}, Path(folder), module=module, cwd=PROJECT)
        try:
            process.wait_until_ready()
            yield process.address
            process.end()
        finally:
            process.close()
