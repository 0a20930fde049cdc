import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.support.servers import Postgres


async def ask(client: httpx2.AsyncClient, message: str, thread_id: str) -> dict[str, Any]:
    reply = await client.post("/v1/chat", json={"message": message, "thread_id": thread_id})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def test_a_conversation_is_read_as_its_messages(door: Door, url: str) -> None:
    client = await door.open(Settings(database_url=url))
    await ask(client, "How many moons has Mars?", "t1")
    await ask(client, "And Saturn?", "t1")
    thread = (await client.get("/v1/threads/t1")).json()
    assert thread["thread_id"] == "t1"
    assert thread["updated_at"].startswith("20")
    assert [(it["role"], it["text"]) for it in thread["messages"]] == [
        ("user", "How many moons has Mars?"),
        ("assistant", "mars has 2 moons."),
        ("user", "And Saturn?"),
        ("assistant", "saturn has 146 moons."),
    ]
    assert [it["agents"] for it in thread["messages"]] == [[], ["moons"]] * 2


async def test_a_conversation_that_is_deleted_is_unknown_and_forgotten(door: Door, url: str) -> None:
    client = await door.open(Settings(database_url=url))
    await ask(client, "How many moons has Mars?", "t1")
    await ask(client, "How many moons has Mars?", "t2")
    deleted = await client.delete("/v1/threads/t1")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (await client.get("/v1/threads/t1"), await client.delete("/v1/threads/t1")):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:problem:thread-unknown"
    assert "146" not in (await ask(client, "And Saturn?", "t1"))["answer"]
    assert len((await client.get("/v1/threads/t2")).json()["messages"]) == 2


@pytest.mark.parametrize("thread_id", ["a%00b", "%ED%A0%80", "a" * 65, "a" * 30_000, "a.b", "%20"], ids=range(6))
async def test_what_names_no_thread_is_refused(client: httpx2.AsyncClient, thread_id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/v1/threads/{thread_id}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


async def test_parallel_turns_of_one_thread_are_all_remembered(door: Door, url: str) -> None:
    client = await door.open(Settings(database_url=url, history_turns=10))
    names = ["mars", "saturn"] * 4
    questions = [f"Moons of {name}, question {number}" for number, name in enumerate(names)]
    await asyncio.gather(*(ask(client, question, "t1") for question in questions))
    messages = (await client.get("/v1/threads/t1")).json()["messages"]
    asked = [it["text"] for it in messages if it["role"] == "user"]
    assert sorted(asked) == sorted(questions)


@pytest.mark.slow
async def test_parallel_turns_of_two_processes_are_all_remembered(door: Door, database_url: str) -> None:
    settings = Settings(database_url=database_url, history_turns=10)
    clients = [await door.open(settings), await door.open(settings)]
    questions = [f"Moons of Mars, question {number}" for number in range(8)]
    await asyncio.gather(*(ask(clients[number % 2], it, "t1") for number, it in enumerate(questions)))
    messages = (await clients[0].get("/v1/threads/t1")).json()["messages"]
    asked = [it["text"] for it in messages if it["role"] == "user"]
    assert sorted(asked) == sorted(questions)


@pytest.fixture
async def busy(door: Door, url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A service whose thread `t1` is held by a turn that does not end."""
    client = await door.open(Settings(database_url=url, turn_wait_seconds=0.05))
    await ask(client, "How many moons has Mars?", "t1")
    store = door.running.store
    async with store.lock(store.lock_name("t1"), 0):
        yield client


async def test_a_thread_that_stays_busy_is_a_conflict(busy: httpx2.AsyncClient) -> None:
    body = {"message": "And Saturn?", "thread_id": "t1"}
    for answer in (
        await busy.post("/v1/chat", json=body),
        await busy.post("/v1/chat/stream", json=body),
        await busy.delete("/v1/threads/t1"),
    ):
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:problem:thread-busy"
        assert int(answer.headers["retry-after"]) > 0
    assert (await ask(busy, "Moons of Saturn", "t2"))["degraded"] is False
    assert (await busy.get("/v1/threads/t1")).status_code == 200


@pytest.mark.checklist("OBS-4")
@pytest.mark.slow
async def test_while_the_database_is_away_answers_are_given_and_marked(door: Door, mortal_postgres: Postgres) -> None:
    url = mortal_postgres.make_database("threads")
    client = await door.open(Settings(database_url=url, database_timeout_seconds=0.5))
    await ask(client, "How many moons has Mars?", "t1")
    assert (await client.get("/readyz")).status_code == 200

    mortal_postgres.stop(signal.SIGKILL)
    away = await ask(client, "Lunas de Saturno", "t1")
    assert away["answer"] == "saturno tiene 146 lunas."
    assert (away["degraded"], away["degraded_because"]) == (True, ["not_saved"])
    assert any("no se pudo guardar" in notice for notice in away["notices"])
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/healthz")).status_code == 200
    for answer in (await client.get("/v1/threads/t1"), await client.delete("/v1/threads/t1")):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:problem:store-unavailable"
        assert int(answer.headers["retry-after"]) > 0

    mortal_postgres.start()
    back = await ask(client, "And Saturn?", "t1")  # the first request after it is back
    assert (back["answer"], back["degraded"]) == ("saturn has 146 moons.", False)
    assert (await client.get("/readyz")).status_code == 200
    messages = (await client.get("/v1/threads/t1")).json()["messages"]
    asked = [it["text"] for it in messages if it["role"] == "user"]
    assert asked == ["How many moons has Mars?", "And Saturn?"]
