"""Real servers for tests: one of each for a session, a database of its own for each test.

Each is found among the system's programs (Debian: `apt-get install postgresql redis-server`), started on
loopback, and may be killed, paused and started again.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final, Self

PATIENCE_SECONDS: Final = 30
"""Longest start or end of a server, seconds; one takes about a second on a busy machine."""

STARTS: Final = 20
"""Tries to start: the children of one that was killed may still hold what it needs for a moment."""

ADDRESS: Final = "127.0.0.1"


class Missing(Exception):
    """A server's programs are not on this machine; the text says what to do."""


class Server:
    """One server process with a folder of its own; it can be killed and started again."""

    program: ClassVar[str]
    package: ClassVar[str]
    """What apt-get installs."""
    places: ClassVar[Sequence[str]] = ()
    """Folders to look in beside PATH; a `*` stands for a version, the newest wins."""

    end: ClassVar[signal.Signals] = signal.SIGTERM
    """What ends it at once and in order."""

    def __init__(self) -> None:
        self.binary = self.find()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.program}-"))
        self.port = self._free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def find(cls) -> Path:
        """The server's program.

        Raises:
            Missing: It is not installed.
        """
        if found := shutil.which(cls.program):
            return Path(found)
        root = Path("/")
        for place in cls.places:
            newest = sorted(root.glob(f"{place}/{cls.program}"), key=cls._version)
            if newest:
                return newest[-1]
        raise Missing(f"{cls.program} is not installed: on Debian, apt-get install {cls.package}")

    @staticmethod
    def _version(path: Path) -> list[int]:
        return [int(part) for part in path.parts if part.isdigit()]

    @property
    def url(self) -> str:
        """Where clients find it."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        """What starts it in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the data folder."""

    def account(self) -> Mapping[str, Any]:
        """The account that it runs under, as options of `subprocess.Popen`."""
        return {}

    def start(self) -> Self:
        """Start it and wait until it answers; the data of the last time are there again."""
        log = self.folder / "log"
        last = time.monotonic() + PATIENCE_SECONDS
        for _ in range(STARTS):
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    self.command(), cwd="/", stdout=output, stderr=output, start_new_session=True, **self.account()
                )
            while self._process.poll() is None and time.monotonic() < last:
                if self.answers():
                    return self
                time.sleep(0.02)
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{self.program} did not start: {log.read_text()[-2000:]}")

    def answers(self) -> bool:
        """True when it takes requests."""
        raise NotImplementedError

    def stop(self, how: signal.Signals | None = None) -> None:
        """End it by its process id and wait for the end; SIGKILL is a crash."""
        if self._process is not None:
            if self._process.poll() is None:
                if how == signal.SIGKILL:  # its children, too: they would go on answering for a moment
                    self._signal_all(how)
                else:
                    os.kill(self._process.pid, how or self.end)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, how: signal.Signals) -> None:
        """To the process and its children."""
        if self._process is not None:
            parent = str(self._process.pid)
            found = subprocess.run(["pgrep", "-P", parent], capture_output=True, check=False)
            for pid in (self._process.pid, *map(int, found.stdout.split())):
                with suppress(ProcessLookupError):
                    os.kill(pid, how)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Running while entered; its data are gone afterwards."""
        try:
            self.prepare()
            yield self.start()
        finally:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _free_port() -> int:
        with socket.socket() as taken:
            taken.bind((ADDRESS, 0))
            return int(taken.getsockname()[1])

    def _talk(self, request: bytes) -> bytes:
        """The first bytes that it answers; none while it does not."""
        try:
            with socket.create_connection((ADDRESS, self.port), timeout=1) as connection:
                connection.sendall(request)
                return connection.recv(64)
        except OSError:
            return b""


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
        subprocess.run([str(program), *arguments], check=True, capture_output=True, cwd="/", **self.account())


class Standby(Postgres):
    """A hot standby of another one: it lets its clients read, until it is promoted."""

    def __init__(self, primary: Postgres) -> None:
        super().__init__()
        self._primary = primary

    def prepare(self) -> None:
        """Copy the primary, and follow it from then on."""
        if self.account():
            shutil.chown(self.folder, self.USER, self.USER)
        where = ("-h", ADDRESS, "-p", str(self._primary.port), "-U", self.USER)
        program = self.binary.with_name("pg_basebackup")
        self._run(program, *where, "--pgdata", str(self.folder / "data"), "-R", "--checkpoint=fast", "--no-sync")


class Redis(Server):
    """Redis, in memory only."""

    program = "redis-server"
    package = "redis-server"

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://{ADDRESS}:{self.port}/0"

    def command(self) -> Sequence[str]:
        """`redis-server` on loopback alone, which writes nothing down."""
        where = ("--bind", ADDRESS, "--port", str(self.port), "--dir", str(self.folder))
        return [str(self.binary), *where, "--save", "", "--appendonly", "no", "--shutdown-timeout", "0"]

    def answers(self) -> bool:
        """True when it answers a ping."""
        return self.tell("PING").startswith(b"+PONG")

    def tell(self, *command: str) -> bytes:
        """The beginning of what it answers to a command."""
        return self._talk(f"{' '.join(command)}\r\n".encode())
