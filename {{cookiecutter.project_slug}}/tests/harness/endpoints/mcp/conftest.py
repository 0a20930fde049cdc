"""The service here, or as two processes on one store, and the official client of either era."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from harness.auth.api_key import NewKey
from harness.settings import Settings
from tests.conftest import Door
from tests.harness.endpoints.mcp.served import AGENTS
from tests.support.callers import ANA, EVE, TALKER, by
from tests.support.processes import Process

TRIES = 400
MODULE = "tests.harness.endpoints.mcp.served"

ERAS = {"2026-07-28": "auto", "2025-11-25": "legacy"}


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


class Site:
    """Where the service is, and what its waiting tools have written down."""

    def __init__(self, folder: Path, address: str = "", transport: Callable[[], Any] | None = None) -> None:
        self._file = folder / "waits"
        self._address = address
        self._transport = transport or httpx2.AsyncHTTPTransport

    @property
    def is_on_a_socket(self) -> bool:
        """False where what a client leaves is not noticed."""
        return self._address.startswith("http://127.0.0.1")

    def http(self, key: NewKey = ANA) -> httpx2.AsyncClient:
        """A caller with this key."""
        return httpx2.AsyncClient(transport=self._transport(), base_url=self._address, headers=by(key), timeout=60)

    @asynccontextmanager
    async def connect(self, key: NewKey = ANA, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
        """The official client."""
        async with (
            self.http(key) as http,
            Client(streamable_http_client(f"{self._address}/mcp", http_client=http), mode=mode, **options) as client,
        ):
            yield client

    def waits(self) -> list[str]:
        """`begun`, `stopped`."""
        return self._file.read_text(encoding="utf-8").split() if self._file.exists() else []

    async def check_waits(self, *expected: str) -> None:
        """Until it is so."""
        for _ in range(TRIES):
            if self.waits() == [*expected]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self.waits())


@pytest.fixture(params=[*ERAS.values()], ids=[*ERAS])
def era(request: pytest.FixtureRequest) -> str:
    """The client's mode, in turn."""
    return str(request.param)


def settings_in(folder: Path) -> dict[str, str]:
    """Those of a service that knows some callers and keeps all in `folder`."""
    keys = folder / "keys"
    keys.write_text("".join(f"{it.record.line}\n" for it in (ANA, EVE, TALKER)))
    (folder / "waits").unlink(missing_ok=True)
    return {
        "DATABASE_URL": f"sqlite:///{folder}/threads.sqlite",
        "AUTHENTICATION": "keys",
        "API_KEYS_FILE": str(keys),
        "LIMITS": "off",
        "ENDPOINTS": "mcp",
    }


@pytest.fixture(scope="module")
def _processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    folder = tmp_path_factory.mktemp("mcp")
    settings = settings_in(folder)
    started: list[Process] = []
    try:
        started += [Process(settings, folder, number, module=(MODULE, "serve")) for number in range(2)]
        for process in started:
            process.wait_until_ready()
        yield folder, [it.address for it in started]
    finally:
        for process in started:
            process.close()


@pytest.fixture(params=["here", pytest.param("two processes", marks=pytest.mark.slow)])
async def site(request: pytest.FixtureRequest, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The service in this process, without a socket; then two, which get a client's requests in turn."""
    if request.param == "here":
        for name, value in settings_in(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LANGUAGE", "en")
        monkeypatch.chdir(tmp_path)
        await door.open(Settings(public_url="http://service"), AGENTS)
        return Site(tmp_path, "http://service", lambda: httpx2.ASGITransport(door.app))
    folder, addresses = request.getfixturevalue("_processes")
    (folder / "waits").unlink(missing_ok=True)
    return Site(folder, addresses[0], lambda: InTurn(addresses))


def inherited() -> dict[str, str]:
    """What a process of `stdio` gets of our environment."""
    return {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
