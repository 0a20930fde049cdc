"""Replicas whose clocks differ, and a clock that was set back: every turn is in its thread."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.support import clock
from tests.support.processes import Process, processes

MARS, SATURN = "How many moons has Mars?", "And Saturn?"


@pytest.fixture(autouse=True)
def _right_again() -> Iterator[None]:
    yield
    clock.set_back(0)


@pytest.mark.parametrize("seconds", [30, 86_400])
async def test_turns_after_the_clock_was_set_back_are_remembered(door: Door, url: str, seconds: int) -> None:
    client = await door.open(Settings(database_url=url))
    for message in (MARS, SATURN, "And Jupiter?"):
        reply = await client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
        assert "not_saved" not in reply.json()["degraded_because"]
        clock.set_back(seconds)
    messages = (await client.get("/v1/threads/t1")).json()["messages"]
    assert [it["text"] for it in messages if it["role"] == "user"] == [MARS, SATURN, "And Jupiter?"]


async def test_a_decision_after_the_clock_was_set_back_is_remembered(
    shop: httpx2.AsyncClient, no_order_has_run: None
) -> None:
    asked = await shop.post("/v1/chat", json={"message": "Cancel order 7", "thread_id": "t1"})
    (waits,) = asked.json()["approvals"]
    clock.set_back(30)
    decided = await shop.post(f"/v1/threads/t1/approvals/{waits['id']}", json={"decision": "approve"})
    assert decided.json()["answer"] == "Order 7 is cancelled."
    assert (await shop.get("/v1/threads/t1")).json()["approvals"] == []
    clock.set_back(60)
    await shop.post("/v1/chat", json={"message": "Order 8", "thread_id": "t1"})
    thread = (await shop.get("/v1/threads/t1")).json()
    assert [it["text"] for it in thread["messages"] if it["role"] == "user"] == ["Cancel order 7", "Order 8"]


@pytest.mark.checklist("OBS-4")
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no server is started on Windows")
def test_turns_of_a_replica_whose_clock_is_behind_are_in_the_thread(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "HISTORY_TURNS": "10"}
    late = {**settings, clock.VARIABLE: "30"}
    (tmp_path / "late").mkdir()
    with processes(1, settings, tmp_path) as (one,), processes(1, late, tmp_path / "late") as (other,):
        questions = [MARS, SATURN, f"{MARS} Again", f"{SATURN} Again"]
        for number, message in enumerate(questions):
            ask((one, other)[number % 2], message)
        for replica in (one, other):
            messages = replica.client.get("/v1/threads/t1").json()["messages"]
            assert [it["text"] for it in messages if it["role"] == "user"] == questions


def ask(replica: Process, message: str) -> None:
    reply = replica.client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
    assert reply.status_code == 200
    assert "not_saved" not in reply.json()["degraded_because"]
