"""A short load test: `python -m tools.load`, or `nox -s load`, which installs locust first.

Starts the service on a free port of 127.0.0.1 with the embedded model, a store of its own and
sample data, drives it with tests/harness/load/locustfile.py, prints the table and ends it. `--host` drives
a service that runs already. The exit code is 1 when a request failed.
"""

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
LOCUSTFILE: Final = PROJECT / "tests" / "load" / "locustfile.py"
ADDRESS: Final = "127.0.0.1"

START_SECONDS: Final = 60
"""Longest cold start, seconds; it takes 2 to 10 on two busy cores."""

STOP_SECONDS: Final = 30
"""Longest end, seconds: above the service's own grace for open requests."""

MISSING: Final = "locust is not installed: run `nox -s load`, which installs the group `load`"

INHERITED: Final = ("PATH", "SYSTEMROOT", "TEMP", "TMP")
"""What a service started here gets of our environment; `.env` counts as it does for `make dev`."""

MODELS: Final = ("LLM_MODEL", "LLM_PLANNER_MODEL", "LLM_AGENT_MODEL", "LLM_WRITER_MODEL")

SETTINGS: Final = {**dict.fromkeys(MODELS, "embedded"), "USE_FAKE_DATA": "true"}
"""What goes before: no key and no network, so that the figures are the service's own."""


class ServiceFailed(Exception):
    """The service did not start; the text ends with its log."""


class LoadTest:
    """One run of locust against one address."""

    def __init__(self, host: str, users: int, seconds: int, requests: int = 0) -> None:
        """Let `users` ask `host` for `seconds`, or until there were so many `requests`."""
        self._host = host
        self._users = users
        self._seconds = seconds
        self._requests = requests

    @staticmethod
    def is_installed() -> bool:
        """Whether locust is there."""
        return importlib.util.find_spec("locust") is not None

    def run(self) -> subprocess.CompletedProcess[str]:
        """Its table on standard output; its exit code is 1 when a request failed."""
        users = str(self._users)
        command = [
            *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE)),
            *("--headless", "--skip-log-setup", "--host", self._host),
            *("--users", users, "--spawn-rate", users, "--run-time", f"{self._seconds}s"),
            *("--stop-timeout", "10", "--requests", str(self._requests)),
        ]
        return subprocess.run(command, check=False, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


@contextmanager
def service(settings: Mapping[str, str], module: Sequence[str] = ("app", "serve")) -> Iterator[str]:
    """The address of a service that runs while entered.

    Raises:
        ServiceFailed: It did not become ready.
    """
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    host = f"http://{ADDRESS}:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
            "HOST": ADDRESS,
            "PORT": str(port),
            "LIMITS": "off",  # one address asks as many do
            "DATABASE_URL": f"sqlite:///{folder}/threads.sqlite",
            **settings,
        }
        log = Path(folder) / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=PROJECT,
                env=environment,
                stderr=written,
            )
        try:
            _wait_until_ready(process, host, log)
            yield host
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    ready = f"{host}/readyz"
    last = time.monotonic() + START_SECONDS
    while time.monotonic() < last and process.poll() is None:
        try:
            with urllib.request.urlopen(ready, timeout=5):  # noqa: S310  # nosec B310 - our own
                return
        except OSError:  # refused until it listens, 503 until it is ready
            time.sleep(0.1)
    end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise ServiceFailed(f"The service did not become ready:\n{end}")


def main(arguments: Sequence[str]) -> int:
    """Run the load test that the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(prog="tools.load", description="A short load test.")
    parser.add_argument("--host", help="a service that runs already; none: one is started")
    parser.add_argument("--users", type=int, default=8, help="how many ask at once (8)")
    parser.add_argument("--seconds", type=int, default=10, help="for how long (10)")
    parser.add_argument("--requests", type=int, default=0, help="or for how many requests")
    chosen = parser.parse_args(arguments)
    if not LoadTest.is_installed():
        print(MISSING, file=sys.stderr)
        return 2
    extent = (chosen.users, chosen.seconds, chosen.requests)
    if chosen.host:
        done = LoadTest(chosen.host, *extent).run()
    else:
        try:
            with service(SETTINGS) as host:
                done = LoadTest(host, *extent).run()
        except ServiceFailed as failure:
            print(failure, file=sys.stderr)
            return 1
    print(done.stdout, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
