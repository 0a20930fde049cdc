"""LangSmith gets runs and ratings where that is configured, and no connection otherwise."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from tests.conftest import Door
from tests.peers.collector import Collector

SECRET = "sk-" + "planted0123456789abcdef"
KEY = "lsv2_" + "pt_planted0123456789abcdef"


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A LangSmith on loopback, and an environment that names it."""
    with Collector() as collector:
        monkeypatch.setenv("LANGSMITH_ENDPOINT", collector.url)
        monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
        yield collector


async def ask_and_rate(client: httpx2.AsyncClient) -> str:
    body: dict[str, Any] = {"message": f"How many moons has Mars? My key is {SECRET}."}
    run_id = str((await client.post("/v1/chat", json=body)).json()["run_id"])
    body = {"run_id": run_id, "rating": 4, "comment": f"Forget {SECRET}."}
    assert (await client.post("/v1/feedback", json=body)).status_code == 204
    return run_id


@pytest.mark.checklist("OBS-6")
async def test_a_run_and_its_rating_are_sent_where_that_is_configured(
    door: Door, peer: Collector
) -> None:
    client = await door.open(Settings(database_url="memory://", langsmith_tracing=True))
    run_id = await ask_and_rate(client)
    await door.close()  # what waits is sent at the end

    (rating,) = peer.to("/feedback")
    assert rating.headers["x-api-key"] == KEY
    assert (rating.document["run_id"], rating.document["key"]) == (run_id, "user_rating")
    assert (rating.document["score"], rating.document["value"]) == (0.75, "4")
    assert rating.document["session_id"] == Collector.SESSION
    assert rating.document["comment"] == "Forget [redacted]."
    runs = [run for it in peer.to("/runs/batch") for run in it.document["post"]]
    assert run_id in {run["id"] for run in runs}
    assert {"plan", "work"} <= {run["name"] for run in runs}
    told = b"".join(it.body for it in peer.sent)
    assert b"How many moons has Mars" in told
    assert SECRET.encode() not in told


@pytest.mark.checklist("OBS-6")
@pytest.mark.parametrize("variable", ["LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"])
async def test_nothing_is_sent_unless_the_setting_says_so(
    door: Door, peer: Collector, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "true")  # what the library itself would listen to
    client = await door.open()
    await ask_and_rate(client)
    await door.close()
    assert peer.sent == []


async def test_a_langsmith_that_fails_costs_neither_answer_nor_rating(
    door: Door, peer: Collector
) -> None:
    peer.status = 403
    settings = Settings(database_url="memory://", langsmith_tracing=True, shutdown_grace_seconds=1)
    client = await door.open(settings)
    run_id = await ask_and_rate(client)
    kept = [it.run_id async for it in door.running.checkpoints.feedback_since(0)]
    assert kept == [run_id]
    await door.close()
