"""Every test starts from the same place: no settings from outside, no log context, memory only."""

import logging
import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import structlog
from fastapi import FastAPI

from harness.application import Application
from harness.http.state import AppState
from harness.runtime.agent import Agent
from harness.settings import Configuration, Settings
from harness.telemetry.logging import Logs
from tests.support.agents import TEST_AGENTS
from tests.support.server_fixtures import (  # noqa: F401  # fixtures
    database_url,
    mortal_postgres,
    mortal_redis,
    postgres_server,
    redis_server,
)
from tests.support.stores import base as stores

PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
"""How events look where nothing has set up the logs; the values of every frame, as by default, take seconds."""

FOREIGN_PREFIXES = ("LANGSMITH_", "LANGCHAIN_", "OPENAI_", "ANTHROPIC_", "AWS_", "OLLAMA_")
"""Variables that change what the libraries do."""


def pytest_configure(config: pytest.Config) -> None:
    """Know the fixtures of further stores."""
    for name in stores.FURTHER:
        config.pluginmanager.import_plugin(f"tests.support.stores.{name}")


def shown_once(sections: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a failing test shows, without the copies that pytest's own handler keeps of lines on stderr."""
    written = "".join(text for name, text in sections if "stderr" in name)
    shown = []
    for name, text in sections:
        lines = text.splitlines(keepends=True)
        if "Captured log" in name:
            lines = [it for it in lines if it.strip() and it.split(maxsplit=2)[-1].strip() not in written]
        shown += [(name, "".join(lines))] if lines else []
    return shown


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show each line once."""
    report = yield
    report.sections = shown_once(report.sections)
    return report


SECONDS = {True: 900, False: 300}
"""Longest time of a slow test, and of another one: a bound that no longer holds fails its test, not the whole run."""


@pytest.fixture(autouse=True)
def _ends(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ends a test that hangs, wherever it waits; Windows has no such alarm."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    is_slow = any(request.node.get_closest_marker(name) for name in ("slow", "exhaustive"))

    def end(*_: object) -> None:
        raise TimeoutError(f"no end in {SECONDS[is_slow]} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS[is_slow])
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT as a process has it that was just started; a served test may have left the handler of a loop that ended."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Door:
    """The service as its callers reach it: the same `create_app`, with other settings."""

    app: FastAPI
    """The application that was opened last."""

    def __init__(self) -> None:
        self._open = AsyncExitStack()

    @property
    def running(self) -> AppState:
        """The parts of the application that was opened last."""
        running: AppState = self.app.state.running
        return running

    async def open(
        self, settings: Settings | None = None, agents: Sequence[type[Agent[Any]]] = TEST_AGENTS
    ) -> httpx2.AsyncClient:
        """A client of a started service."""
        settings = settings or Settings(database_url="memory://")
        return await self.client(Application(agents).create_app(settings))

    async def client(self, app: FastAPI) -> httpx2.AsyncClient:
        """A client of `app`, started."""
        self.app = app
        await self._open.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app)
        client = httpx2.AsyncClient(transport=transport, base_url="http://service")
        return await self._open.enter_async_context(client)

    async def close(self) -> None:
        """End what was opened."""
        await self._open.aclose()


class Lines:
    """What was logged, as it would reach a log collector."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        """Everything, as written."""
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def events(self) -> list[dict[str, Any]]:
        """Each line, parsed."""
        return [orjson.loads(line) for line in self.text.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in self.events if line["event"] == event]


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    classes = [Configuration]
    for owner in classes:
        classes.extend(owner.__subclasses__())
    known = {owner.variable(field).lower() for owner in classes for field in owner.model_fields}
    for name in list(os.environ):
        foreign = name.upper().startswith(FOREIGN_PREFIXES) or name.lower().endswith("_proxy")
        if foreign or name.lower() in known:
            monkeypatch.delenv(name)
    monkeypatch.setattr(Configuration, "env_file", None)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
    structlog.contextvars.clear_contextvars()
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    Logs.uninstall()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def settings() -> Settings:
    return Settings(database_url="memory://")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """Opens the service with other settings."""
    door = Door()
    yield door
    await door.close()


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return Application(TEST_AGENTS).create_app(settings)


@pytest.fixture
async def client(door: Door, app: FastAPI) -> httpx2.AsyncClient:
    return await door.client(app)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What the test logs, one JSON document a line."""
    return Lines(capsys)


@pytest.fixture(params=[it if it == "sqlite" else pytest.param(it, marks=pytest.mark.slow) for it in stores.KINDS])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of each kind of store in turn; in the gate of SQLite alone."""
    return stores.address(request.param, request, tmp_path)


@pytest.fixture(params=[pytest.param(it, marks=[pytest.mark.slow] * (it in stores.FURTHER)) for it in stores.KINDS])
def every_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of each kind of store in turn."""
    return stores.address(request.param, request, tmp_path)
