"""More messages than there are places for are refused at once; the others are answered."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.runtime.agent import ToolResult
from harness.settings import Settings
from tests.conftest import Door
from tests.support.agents import MoonsAgent

QUESTION = {"message": "How many moons has Mars?"}
STREAM = "/v1/chat/stream"


class SlowAgent(MoonsAgent):
    """Answers when the test lets it."""

    entered = asyncio.Event()
    may_go = asyncio.Event()

    async def look_up(self, name: str) -> ToolResult:
        """The number of one name in the table."""
        self.entered.set()
        await self.may_go.wait()
        return await super().look_up(name)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlowAgent, "entered", asyncio.Event())
    monkeypatch.setattr(SlowAgent, "may_go", asyncio.Event())


@pytest.mark.parametrize("path", ["/v1/chat", STREAM])
async def test_one_message_more_than_places_and_queue_gets_503_at_once(door: Door, path: str) -> None:
    settings = Settings(database_url="memory://", requests_max_running=1, requests_max_waiting=1)
    client = await door.open(settings, [SlowAgent])
    running = asyncio.create_task(client.post("/v1/chat", json=QUESTION))
    await asyncio.wait_for(SlowAgent.entered.wait(), timeout=10)
    waiting = asyncio.create_task(client.post("/v1/chat", json=QUESTION))
    async with asyncio.timeout(30):  # what lets everybody in would wait for the test itself
        while not door.running.service.places.waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        refused = await client.post(path, json=QUESTION)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "urn:problem:overloaded"
    SlowAgent.may_go.set()
    assert [(await each).json()["answer"] for each in (running, waiting)] == ["mars has 2 moons."] * 2
    assert (await client.post("/v1/chat", json=QUESTION)).status_code == 200


@pytest.mark.checklist("COST-2")
@pytest.mark.parametrize("path", ["/v1/chat", STREAM])
async def test_one_caller_takes_no_more_places_than_its_own(door: Door, tmp_path: Path, path: str) -> None:
    file = tmp_path / "keys"
    made = [NewKey.make(name, [Scope.CHAT], None) for name in ("greedy", "modest")]
    file.write_text("".join(f"{key.record.line}\n" for key in made))
    settings = Settings(database_url="memory://", authentication="keys", api_keys_file=file, caller_max_running=2)
    client = await door.open(settings, [SlowAgent])
    greedy, modest = ({"X-API-Key": key.text} for key in made)

    def ask(caller: dict[str, str], path: str = path) -> asyncio.Task[httpx2.Response]:
        return asyncio.create_task(client.post(path, json=QUESTION, headers=caller))

    running = [ask(greedy, "/v1/chat"), ask(greedy, STREAM)]
    await asyncio.wait_for(SlowAgent.entered.wait(), timeout=10)
    refused = await ask(greedy)
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:problem:limit-reached"
    assert refused.headers["retry-after"] == "1"
    assert "caller-running" in refused.json()["detail"]
    other = ask(modest)
    SlowAgent.may_go.set()
    assert [(await each).status_code for each in (*running, other)] == [200] * 3
    assert (await ask(greedy)).status_code == 200
