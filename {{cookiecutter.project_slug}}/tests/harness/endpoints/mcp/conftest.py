"""Two processes on one store, and the official client of either era."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from harness.auth.api_key import NewKey
from tests.support.callers import ANA, EVE, TALKER, by
from tests.support.processes import Process

TRIES = 400
MODULE = "tests.harness.endpoints.mcp.served"

ERAS = {"2026-07-28": "auto", "2025-11-25": "legacy"}

Connect = Callable[..., AbstractAsyncContextManager[Client]]


class Pair:
    """The processes, and what their waiting tools have written down."""

    def __init__(self, processes: Sequence[Process], folder: Path) -> None:
        self.processes = processes
        self.folder = folder

    @property
    def addresses(self) -> list[str]:
        return [it.address for it in self.processes]

    def waits(self) -> list[str]:
        """`begun`, `stopped`."""
        file = self.folder / "waits"
        return file.read_text(encoding="utf-8").split() if file.exists() else []

    async def check_waits(self, *expected: str) -> None:
        """Until it is so."""
        for _ in range(TRIES):
            if self.waits() == [*expected]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self.waits())


@pytest.fixture(scope="module")
def _processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("mcp")
    keys = folder / "keys"
    keys.write_text("".join(f"{it.record.line}\n" for it in (ANA, EVE, TALKER)))
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/threads.sqlite",
        "AUTHENTICATION": "keys",
        "API_KEYS_FILE": str(keys),
        "LIMITS": "off",
        "ENDPOINTS": "mcp",
    }
    started: list[Process] = []
    try:
        started += [Process(settings, folder, number, module=(MODULE, "serve")) for number in range(2)]
        for process in started:
            process.wait_until_ready()
        yield Pair(started, folder)
    finally:
        for process in started:
            process.close()


@pytest.fixture
def pair(_processes: Pair) -> Pair:
    """With nothing written down."""
    (_processes.folder / "waits").unlink(missing_ok=True)
    return _processes


class InTurn(httpx2.AsyncBaseTransport):
    """Sends each request to the next process, as a balancer without stickiness does."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._urls = [httpx2.URL(it) for it in addresses]
        self._sent = 0
        self._transport = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = self._urls[self._sent % len(self._urls)]
        self._sent += 1
        request.url = request.url.copy_with(port=url.port)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


@pytest.fixture(params=[*ERAS.values()], ids=[*ERAS])
def era(request: pytest.FixtureRequest) -> str:
    """The client's mode, in turn."""
    return str(request.param)


@pytest.fixture
def connect(pair: Pair, era: str) -> Connect:
    """A client of this era whose requests go to one process after the other."""

    @asynccontextmanager
    async def connected(key: NewKey = ANA, mode: str = era, **options: Any) -> AsyncIterator[Client]:
        transport = InTurn(pair.addresses)
        async with (
            httpx2.AsyncClient(transport=transport, headers=by(key), timeout=60) as http,
            Client(
                streamable_http_client(f"{pair.addresses[0]}/mcp", http_client=http), mode=mode, **options
            ) as client,
        ):
            yield client

    return connected


def inherited() -> dict[str, str]:
    """What a process of `stdio` gets of our environment."""
    return {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
