import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from harness.errors import ShuttingDown
from harness.http.shutdown import ShutdownManager
from harness.runtime.agent import ToolResult
from harness.settings import Settings
from tests.conftest import Door
from tests.harness.http.test_streaming import events
from tests.support.agents import MoonsAgent

PATIENCE_SECONDS = 5
BODY = {"message": "How many moons has Mars?"}


class EndlessAgent(MoonsAgent):
    """Looks something up for ever."""

    entered = asyncio.Event()

    async def look_up(self, name: str) -> ToolResult:
        """Never ends."""
        self.entered.set()
        await asyncio.Event().wait()
        raise AssertionError


class Signals:
    """A server's signal handler: what it was called with."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.came = asyncio.Event()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.taken.append(number)
        self.came.set()


@pytest.fixture
def server() -> Iterator[Signals]:
    """A server that has taken SIGTERM before the service starts."""
    handler = Signals()
    before = signal.signal(signal.SIGTERM, handler)
    yield handler
    signal.signal(signal.SIGTERM, before)


def settings(delay: float = 0, grace: float = 60) -> Settings:
    return Settings(
        database_url="memory://", disable_llm=True, shutdown_delay_seconds=delay, shutdown_grace_seconds=grace
    )


async def test_readiness_ends_before_the_server_closes_its_door(server: Signals, door: Door) -> None:
    client = await door.open(settings(delay=60))
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110  # the probe's way
            await asyncio.sleep(0)
    assert server.taken == []
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.post("/v1/chat", json=BODY)).status_code == 200  # still served

    signal.raise_signal(signal.SIGTERM)  # asked twice: at once
    async with asyncio.timeout(PATIENCE_SECONDS):
        await server.came.wait()
    assert server.taken == [signal.SIGTERM]


async def test_the_server_gets_the_signal_when_the_delay_is_over(server: Signals, door: Door) -> None:
    await door.open(settings(delay=0.01))
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await server.came.wait()
    assert server.taken == [signal.SIGTERM]


async def test_what_runs_when_the_grace_is_over_ends_with_a_word(server: Signals, door: Door) -> None:
    EndlessAgent.entered = asyncio.Event()
    client = await door.open(settings(grace=0.05), [EndlessAgent])
    streaming = asyncio.create_task(client.post("/v1/chat/stream", json=BODY))
    asking = asyncio.create_task(client.post("/v1/chat", json=BODY))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await EndlessAgent.entered.wait()
        signal.raise_signal(signal.SIGTERM)
        stream, answer = await streaming, await asking
    assert stream.status_code == 200
    _, name, problem = events(stream.text)[-1]
    assert name == "error"
    assert (problem["type"], problem["status"]) == ("urn:problem:shutting-down", 503)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:problem:shutting-down"
    assert int(answer.headers["retry-after"]) > 0
    late = await client.post("/v1/chat", json=BODY)
    assert late.status_code == 503


async def test_a_service_without_a_server_leaves_the_signals_alone(door: Door) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a measured run has its own
    try:
        client = await door.open()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert (await client.get("/readyz")).status_code == 200
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_a_cancellation_of_another_reason_stays_one() -> None:
    life = ShutdownManager(settings())
    entered = asyncio.Event()

    async def run() -> None:
        with life.request():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    life.cancel_all()
    with pytest.raises(ShuttingDown), life.request():
        pytest.fail("entered")
