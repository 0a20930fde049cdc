"""A rating is kept with its run, for the caller who got the answer alone."""

import signal
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.settings import Settings
from harness.storage.store import Feedback
from tests.conftest import Door, Lines
from tests.support.servers import Postgres

pytestmark = pytest.mark.checklist("OBS-6")

QUESTION = {"message": "How many moons has Mars?", "thread_id": "t1"}


async def answered(client: httpx2.AsyncClient, **options: Any) -> str:
    reply = await client.post("/v1/chat", json=QUESTION, **options)
    return str(reply.json()["run_id"])


async def given(door: Door) -> list[Feedback]:
    return [it async for it in door.running.store.feedback_since(0)]


@pytest.mark.parametrize("rating", ["up", "down", 1, 5])
async def test_a_rating_is_kept_with_its_run_and_counted(
    door: Door, client: httpx2.AsyncClient, rating: str | int
) -> None:
    run_id = await answered(client)

    async def counted() -> float:
        told = (await client.get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.name == "feedback_total" and sample.labels["rating"] == str(rating)
        )

    before = await counted()
    body = {"run_id": run_id, "rating": rating, "comment": "right"}
    answer = await client.post("/v1/feedback", json=body)

    assert (answer.status_code, answer.content) == (204, b"")
    (kept_one,) = await given(door)
    assert (kept_one.run_id, kept_one.thread_id) == (run_id, "t1")
    assert (kept_one.rating, kept_one.comment) == (str(rating), "right")
    assert await counted() == before + 1


async def test_a_second_rating_replaces_the_first(door: Door, client: httpx2.AsyncClient) -> None:
    run_id = await answered(client)
    for rating in ("up", "down"):
        body = {"run_id": run_id, "rating": rating}
        assert (await client.post("/v1/feedback", json=body)).is_success
    assert [it.rating for it in await given(door)] == ["down"]


async def test_ratings_go_with_their_conversation(door: Door, client: httpx2.AsyncClient) -> None:
    body = {"run_id": await answered(client), "rating": "up"}
    await client.post("/v1/feedback", json=body)
    assert len(await given(door)) == 1
    assert (await client.delete("/v1/threads/t1")).status_code == 204
    assert await given(door) == []
    assert (await client.post("/v1/feedback", json=body)).status_code == 404


@pytest.mark.checklist("SEC-2")
async def test_a_secret_in_a_comment_is_neither_kept_nor_logged(
    door: Door, client: httpx2.AsyncClient, lines: Lines
) -> None:
    secret = "sk-" + "planted0123456789abcdef"
    body = {"run_id": await answered(client), "rating": "down", "comment": f"I sent {secret}!"}
    assert (await client.post("/v1/feedback", json=body)).is_success
    (kept_one,) = await given(door)
    assert kept_one.comment == "I sent [redacted]!"
    assert secret not in lines.text
    assert lines.named("feedback")[0]["has_comment"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"rating": 0},
        {"rating": 6},
        {"rating": "good"},
        {"rating": True},
        {"rating": 2.5},
        {"run_id": "x" * 36},
        {"run_id": "'; DROP TABLE feedback; --"},
        {"comment": "a" * 1001},
        {"comment": "a\x00b"},
        {"owner": "somebody"},
    ],
    ids=str,
)
async def test_what_is_no_rating_is_refused(door: Door, client: httpx2.AsyncClient, change: dict[str, Any]) -> None:
    body = {"run_id": await answered(client), "rating": "up", "comment": "a" * 1000}
    assert (await client.post("/v1/feedback", json=body | change)).status_code == 422
    assert await given(door) == []
    assert (await client.post("/v1/feedback", json=body)).status_code == 204


@pytest.mark.slow
async def test_while_the_store_is_away_a_rating_is_refused_for_a_while(door: Door, mortal_postgres: Postgres) -> None:
    url = mortal_postgres.make_database("threads")
    client = await door.open(Settings(database_url=url, database_timeout_seconds=0.5))
    body = {"run_id": await answered(client), "rating": "up"}
    mortal_postgres.stop(signal.SIGKILL)
    answer = await client.post("/v1/feedback", json=body)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
