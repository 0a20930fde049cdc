"""A short load test: `python -m tests.harness.load`, or `nox -s load`, which installs locust first.

Starts the service on a free port of 127.0.0.1 with the embedded model and sample data, drives it with locustfile.py,
prints the table and ends it. `--host` drives a service that runs already. The exit code is 1 when a request failed.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.support.processes import serving

MISSING: Final = "locust is not installed: run `nox -s load`, which installs the group `load`"


def is_installed() -> bool:
    """Whether locust is there."""
    return importlib.util.find_spec("locust") is not None


def ask(host: str, users: int, seconds: int, requests: int) -> subprocess.CompletedProcess[str]:
    """Locust's table on standard output; its exit code is 1 when a request failed."""
    file = str(Path(__file__).with_name("locustfile.py"))
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", file, "--host", host, "--headless"),
        *("--skip-log-setup", "--stop-timeout", "10", "--requests", str(requests)),
        *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"),
    ]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)


def main(arguments: Sequence[str]) -> int:
    """Run the load test that the arguments describe; the exit code."""
    parser = argparse.ArgumentParser(prog="nox -s load --", description="A short load test.")
    parser.add_argument("--host", help="a service that runs already; none: one is started")
    parser.add_argument("--users", type=int, default=8, help="how many ask at once (8)")
    parser.add_argument("--seconds", type=int, default=10, help="for how long (10)")
    parser.add_argument("--requests", type=int, default=0, help="or for how many requests")
    chosen = parser.parse_args(arguments)
    if not is_installed():
        sys.stderr.write(f"{MISSING}\n")
        return 2
    with ExitStack() as stack:
        host = chosen.host or stack.enter_context(serving({}))
        done = ask(host, chosen.users, chosen.seconds, chosen.requests)
    sys.stdout.write(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
