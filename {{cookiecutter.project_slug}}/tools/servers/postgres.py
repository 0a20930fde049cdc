"""PostgreSQL for tests and trials."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .server import ADDRESS, Server


class Postgres(Server):
    """PostgreSQL. It refuses to run as root: then it runs as `postgres`, whom its package makes."""

    program = "postgres"
    package = "postgresql"
    places = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin")

    end = signal.SIGINT  # SIGTERM would wait for its clients

    USER: Final = "postgres"
    # "May we speak TLS?": it answers with one letter, whatever the letter is.
    SSL_REQUEST: Final = bytes((0, 0, 0, 8, 4, 210, 22, 47))

    @classmethod
    def find(cls) -> Path:
        """The server's program, where its other programs are too; raises Missing."""
        return super().find().resolve()

    @property
    def url(self) -> str:
        """Its maintenance database."""
        return self.database(self.USER)

    def database(self, name: str) -> str:
        """The address of one database."""
        return f"postgresql://{self.USER}@{ADDRESS}:{self.port}/{name}"

    def make_database(self, name: str) -> str:
        """Make an empty database; its address."""
        program = self.binary.with_name("createdb")
        where = ("-h", ADDRESS, "-p", str(self.port), "-U", self.USER)
        self._run(program, *where, name)
        return self.database(name)

    def prepare(self) -> None:
        """Make the cluster; without fsync, since nobody needs it after a power cut."""
        account = self.account()
        if account:
            shutil.chown(self.folder, self.USER, self.USER)
        self._run(
            self.binary.with_name("initdb"),
            *("--pgdata", str(self.folder / "data"), "--username", self.USER),
            *("--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"),
        )

    def command(self) -> Sequence[str]:
        """`postgres` on loopback alone, small, and careless about power cuts."""
        options = {
            "listen_addresses": ADDRESS,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "60",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binary), "-D", str(self.folder / "data"), *settings]

    def answers(self) -> bool:
        """True when it takes requests: an unready one closes the connection with an error."""
        if not self._talk(self.SSL_REQUEST):
            return False
        program = self.binary.with_name("pg_isready")
        where = ("-q", "-h", ADDRESS, "-p", str(self.port))
        if not program.exists():
            return True
        return subprocess.run([str(program), *where], check=False, cwd="/").returncode == 0

    def account(self) -> Mapping[str, Any]:
        """`postgres` for root, nobody else for everybody else."""
        if sys.platform == "win32" or os.geteuid() != 0:
            return {}
        return {"user": self.USER, "group": self.USER, "extra_groups": []}

    def _run(self, program: Path, *arguments: str) -> None:
        subprocess.run(
            [str(program), *arguments], check=True, capture_output=True, cwd="/", **self.account()
        )
