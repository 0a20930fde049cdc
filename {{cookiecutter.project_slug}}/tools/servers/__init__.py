"""Private PostgreSQL, Redis and Prometheus servers for tests and trials: on loopback, with data that is thrown away.

`python -m tools.servers` starts the first two, prints their addresses and stops them at Ctrl-C; with
`--install`, run by root on Debian or Ubuntu, it first installs what is missing. The tests start
their own and skip, with the reason, where a program is missing.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Final

from .postgres import Postgres
from .prometheus import Prometheus
from .redis import Redis
from .server import Missing, Server

__all__ = [
    "INSTALLED",
    "KINDS",
    "Missing",
    "Packages",
    "Postgres",
    "Prometheus",
    "Redis",
    "Server",
    "Servers",
]

KINDS: Final[Sequence[type[Server]]] = (Postgres, Redis)
"""What a trial of the service needs."""

INSTALLED: Final[Sequence[type[Server]]] = (*KINDS, Prometheus)
"""What its tests need."""


class Packages:
    """The servers' packages of a Debian system."""

    @classmethod
    def install(cls, kinds: Sequence[type[Server]]) -> None:
        """Install what is missing. Servers that a package would start are left off.

        Raises:
            Missing: This is not root, or not a Debian system.
        """
        missing = [kind.package for kind in kinds if not cls._is_there(kind)]
        if not missing:
            return
        if not shutil.which("apt-get") or os.geteuid() != 0:
            raise Missing(f"only root on Debian or Ubuntu can install {', '.join(missing)} here")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        environment["RUNLEVEL"] = "1"  # invoke-rc.d starts nothing
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", "-q", *command], check=True, env=environment)

    @staticmethod
    def _is_there(kind: type[Server]) -> bool:
        try:
            kind.find()
        except Missing:
            return False
        return True


class Servers:
    """Several servers, started side by side."""

    @staticmethod
    @contextmanager
    def running(kinds: Sequence[type[Server]]) -> Iterator[Sequence[Server]]:
        """The servers, running while entered.

        Raises:
            Missing: One is not installed.
        """
        servers = [kind() for kind in kinds]
        with ExitStack() as stack, ThreadPoolExecutor() as pool:
            entered = [pool.submit(stack.enter_context, server.running()) for server in servers]
            for each in entered:
                each.result()
            yield servers
