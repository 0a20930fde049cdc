"""Who is measured: the floors and the generated service, each with its store, all in the project's environment."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.benchmark.server import Server

FLOORS = Path(__file__).parent
# The rows of the tables, in this order.
BARE, FLOOR, FLOOR_SQLITE, FLOOR_POSTGRES = "b", "B", "B + SQLite", "B + PostgreSQL"
SERVICE, SERVICE_SQLITE, SERVICE_POSTGRES = "service, memory", "service, SQLite", "service, PostgreSQL"
# Started and not driven: `/v1` is the same.
SERVICE_ENDPOINTS = "service, SQLite, all endpoints"


@dataclass(frozen=True, slots=True)
class Project:
    """A generated project with its environment."""

    folder: Path
    python: Path

    def run(self, *arguments: str) -> str:
        """What a command of the project's Python prints."""
        command = [str(self.python), *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True).stdout


class Contenders:
    """Starts them; each gets a store of its own in ``scratch``."""

    SETTINGS: Mapping[str, str] = {
        "LLM_MODEL": "embedded",
        "USE_FAKE_DATA": "true",
        "ENVIRONMENT": "development",
        "LOG_FORMAT": "json",
        "LANGSMITH_TRACING": "false",
        # Counted and never reached: all requests come from one address.
        "RATE_ADDRESS_PER_MINUTE": "1000000000",
        **{
            f"QUOTA_{whose}_DAY_{what}": "1000000000"
            for whose in ("THREAD", "CALLER")
            for what in ("MESSAGES", "TOKENS")
        },
    }

    def __init__(self, project: Project, scratch: Path, databases: Sequence[str]) -> None:
        """``databases``: addresses of two empty PostgreSQL databases, or none."""
        self._project = project
        self._scratch = scratch
        self._stores = {
            BARE: "",
            FLOOR: "",
            FLOOR_SQLITE: f"sqlite:///{scratch}/floor.sqlite",
            SERVICE: "memory://",
            SERVICE_SQLITE: f"sqlite:///{scratch}/service.sqlite",
            SERVICE_ENDPOINTS: f"sqlite:///{scratch}/endpoints.sqlite",
        }
        if databases:
            self._stores |= dict(zip((FLOOR_POSTGRES, SERVICE_POSTGRES), databases, strict=True))

    @property
    def names(self) -> Sequence[str]:
        rows = (BARE, FLOOR, FLOOR_SQLITE, FLOOR_POSTGRES, SERVICE, SERVICE_SQLITE, SERVICE_POSTGRES)
        return [name for name in rows if name in self._stores]

    def server(self, name: str, profile: Path | None = None) -> Server:
        """One contender, not started; with ``profile`` under cProfile, which writes there at the end."""
        python = [str(self._project.python)]
        if profile is not None:
            python += ["-m", "cProfile", "-o", str(profile)]
        settings = {**self.SETTINGS, "PYTHONPATH": os.pathsep.join([str(self._project.folder / "src"), str(FLOORS)])}
        if name.startswith("service"):
            command = [*python, "-m", "app", "serve", "--host", "127.0.0.1", "--port", "{port}"]
            settings["DATABASE_URL"] = self._stores[name]
            settings["ENDPOINTS"] = "all" if name == SERVICE_ENDPOINTS else "none"
        else:
            command = [*python, "-m", "floors", "graph" if name == BARE else "agents", "{port}"]
            command += ["--store", self._stores[name]] if self._stores[name] else []
        log = self._scratch / f"{name.replace(' ', '-')}.log"
        return Server(command, self._project.folder, settings, log)


@contextmanager
def databases(project: Project) -> Iterator[Sequence[str]]:
    """The addresses of two empty databases; none where PostgreSQL is not installed."""
    names = ("floor", "service")
    command = [str(project.python), "-m", "floors.postgres", *names]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project.folder), str(FLOORS)])}
    process = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield [address.strip() for _ in names if (address := process.stdout.readline())]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
