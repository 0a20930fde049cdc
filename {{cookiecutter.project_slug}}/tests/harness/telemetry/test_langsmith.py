"""LangSmith gets runs and ratings where that is configured, and no connection otherwise."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from langsmith import traceable

from harness.guards.personal_data import PiiRules
from harness.settings import Settings
from harness.telemetry.langsmith import LangSmith
from harness.telemetry.redaction import Redactor
from tests.conformance.conftest import Served, model_server, served  # noqa: F401  # fixtures
from tests.conftest import Door
from tests.support.peers.collector import Collector
from tests.support.peers.openai_replies import Failure

SECRET = "sk-" + "planted0123456789abcdef"
KEY = "lsv2_" + "pt_planted0123456789abcdef"
CARD = "4111 1111 1111 1111"


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
async def test_a_run_and_its_rating_are_sent_where_that_is_configured(door: Door, peer: Collector) -> None:
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
async def test_a_provider_that_quotes_a_key_and_a_card_in_a_message_are_told_without_both(
    served: Served, peer: Collector  # noqa: F811  # a fixture
) -> None:
    served.model.breaks(Failure(503, f"the key was {SECRET}"))
    await served.start(langsmith_tracing=True)
    await served.ask(f"How many moons has Mars? My card is {CARD}.")
    await served.door.close()
    told = b"".join(it.body for it in peer.sent)
    assert b"How many moons has Mars? My card is [card]." in told
    assert CARD.encode() not in told
    assert SECRET.encode() not in told


async def test_everything_that_a_run_tells_is_redacted(settings: Settings, peer: Collector) -> None:
    planted = f"{SECRET} and {CARD}"

    @traceable(metadata={"about": [planted]})
    def run(asked: dict[str, Any]) -> dict[str, Any]:
        if "fails" in asked:
            raise ValueError(planted)
        return {"answer": [{"deep": planted}]}

    traced = settings.model_copy(update={"langsmith_tracing": True, "langsmith_endpoint": peer.url})
    hidden = PiiRules(traced.personal_data_in).hidden
    async with LangSmith.connected(traced, Redactor([traced]), hidden):
        run({"question": planted})
        with pytest.raises(ValueError, match=SECRET):
            run({"fails": planted})
    told = b"".join(it.body for it in peer.sent)
    masked = b"[redacted] and [card]"
    assert told.count(masked) >= len(("metadata", "input", "output")) + len(("input", "error"))
    assert b"ValueError" in told
    assert SECRET.encode() not in told
    assert CARD.encode() not in told


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


async def test_a_langsmith_that_fails_costs_neither_answer_nor_rating(door: Door, peer: Collector) -> None:
    peer.status = 403
    settings = Settings(database_url="memory://", langsmith_tracing=True, shutdown_grace_seconds=1)
    client = await door.open(settings)
    run_id = await ask_and_rate(client)
    kept = [it.run_id async for it in door.running.store.feedback_since(0)]
    assert kept == [run_id]
    await door.close()
