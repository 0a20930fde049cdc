"""A second try of a message: it runs once, whatever happened to the first answer."""

import asyncio
from typing import Any

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.harness.http.test_streaming import events

QUESTION = {"message": "How many moons has Mars?", "thread_id": "t1"}


@pytest.fixture
async def client(door: Door, every_url: str) -> httpx2.AsyncClient:
    return await door.open(Settings(database_url=every_url, turn_wait_seconds=0.05))


async def post(
    client: httpx2.AsyncClient, key: str, body: dict[str, Any] | None = None, path: str = ""
) -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return await client.post(f"/v1/chat{path}", json=body or QUESTION, headers=headers)


async def turns(client: httpx2.AsyncClient, thread_id: str) -> int:
    thread = (await client.get(f"/v1/threads/{thread_id}")).json()
    return len(thread["messages"]) // 2


async def test_a_second_try_gets_the_same_reply_and_runs_once(client: httpx2.AsyncClient) -> None:
    first, second = await post(client, "key-1"), await post(client, "key-1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert await turns(client, "t1") == 1
    third = await post(client, "key-2")
    assert third.json()["run_id"] != first.json()["run_id"]
    assert await turns(client, "t1") == 2


async def test_a_second_try_without_a_thread_stays_in_the_thread_of_the_first(client: httpx2.AsyncClient) -> None:
    body = {"message": "How many moons has Mars?"}
    first, second = await post(client, "key-1", body), await post(client, "key-1", body)
    other = await post(client, "key-2", body)
    assert first.json() == second.json()
    assert other.json()["thread_id"] != first.json()["thread_id"]


async def test_a_second_try_of_a_stream_gets_the_reply_at_once(client: httpx2.AsyncClient) -> None:
    first = events((await post(client, "key-1", path="/stream")).text)
    second = events((await post(client, "key-1", path="/stream")).text)
    assert first[-1][1:] == second[-1][1:]
    assert [name for _, name, _ in second] == ["final"]
    assert (await post(client, "key-1")).json() == first[-1][2]
    assert await turns(client, "t1") == 1


@pytest.mark.parametrize("change", [{"message": "How many moons has Saturn?"}, {"thread_id": "t2"}])
async def test_a_key_of_another_request_is_refused(client: httpx2.AsyncClient, change: dict[str, str]) -> None:
    await post(client, "key-1")
    for path in ("", "/stream"):
        answer = await post(client, "key-1", {**QUESTION, **change}, path)
        assert answer.status_code == 422
        assert "Idempotency-Key" in answer.json()["detail"]
    assert await turns(client, "t1") == 1


async def test_tries_at_the_same_time_run_once(door: Door, client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, "key-1") for _ in range(5)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    assert good
    assert all(reply == good[0] for reply in good)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await turns(client, "t1") == 1


async def test_a_try_while_the_first_still_runs_is_a_conflict(door: Door, client: httpx2.AsyncClient) -> None:
    async with door.running.store.lock("key key-1", 0):
        answer = await post(client, "key-1")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:problem:thread-busy"
    assert (await post(client, "key-1")).status_code == 200


async def test_the_reply_of_a_deleted_thread_is_not_told_again(client: httpx2.AsyncClient) -> None:
    first = await post(client, "key-1")
    await client.delete("/v1/threads/t1")
    assert (await post(client, "key-1")).json()["run_id"] != first.json()["run_id"]


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "é"])
async def test_a_malformed_key_is_refused(client: httpx2.AsyncClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await client.post("/v1/chat", json=QUESTION, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
