"""Processes and databases that end at the worst moment: what was acknowledged is still there."""

import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.settings import Settings
from tests.conftest import Door
from tests.support.peers.openai_replies import Hang
from tests.support.peers.openai_server import OpenAIServer
from tests.support.processes import PATIENCE_SECONDS, Process, processes
from tests.support.servers import Postgres

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends without a signal")

MARS = "How many moons has Mars?"


def ask(process: Process, message: str, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    body = {"message": message, **more}
    reply = process.client.post("/v1/chat", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def asked(process: Process, thread_id: str) -> list[str]:
    messages = process.client.get(f"/v1/threads/{thread_id}").json()["messages"]
    return [it["text"] for it in messages if it["role"] == "user"]


@pytest.mark.checklist("OBS-4")
async def test_a_turn_that_was_acknowledged_outlives_a_killed_process(door: Door, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/threads.sqlite"
    with processes(1, {"DATABASE_URL": url}, tmp_path) as (one,):
        answer = ask(one, MARS, thread_id="t1")["answer"]
        one.end(signal.SIGKILL)
    other = await door.open(Settings(database_url=url))
    messages = (await other.get("/v1/threads/t1")).json()["messages"]
    assert [it["text"] for it in messages] == [MARS, answer]


@pytest.mark.checklist("OBS-4")
@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_killed_process_and_a_killed_database(
    mortal_postgres: Postgres, tmp_path: Path
) -> None:
    settings = {
        "DATABASE_URL": mortal_postgres.make_database("threads"),
        "DATABASE_TIMEOUT_SECONDS": "0.5",
        "HISTORY_TURNS": "100",
    }
    with processes(2, settings, tmp_path) as (one, other):
        ask(one, MARS, thread_id="t1")
        assert ask(other, "And Saturn?", thread_id="t1")["answer"] == "saturn has 146 moons."
        kill_a_process_in_the_middle_of_its_turns(one, other)
        assert asked(other, "t1") == [MARS, "And Saturn?"]
        kill_the_database_in_the_middle_of_turns(mortal_postgres, other)
        assert asked(other, "t1") == [MARS, "And Saturn?"]
        assert "Traceback" not in other.log


@pytest.mark.checklist("OBS-4")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.slow
def test_a_killed_process_leaves_what_waits_and_repeats_no_call_that_had_begun(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/threads.sqlite"
    if kind == "postgresql":
        url = request.getfixturevalue("database_url")
    settings = {"DATABASE_URL": url}
    begun = tmp_path / "cancelled"
    with processes(1, settings, tmp_path) as (one,):
        (waits,) = ask(one, "Cancel order 7", thread_id="t1")["approvals"]
        (hangs,) = ask(one, "Cancel order 13", thread_id="t2")["approvals"]
        with ThreadPoolExecutor(1) as pool:
            deciding = pool.submit(approve, one, "t2", hangs)
            last = time.monotonic() + PATIENCE_SECONDS
            while not (begun.exists() and begun.read_text(encoding="utf-8")):
                assert time.monotonic() < last, one.log
                time.sleep(0.01)
            one.end(signal.SIGKILL)
            with pytest.raises(httpx2.TransportError):
                deciding.result()
    with processes(1, settings, tmp_path) as (other,):
        refused = approve(other, "t2", hangs)
        assert refused.status_code == 409
        assert refused.json()["type"] == "urn:problem:approval-decided"
        assert other.client.get("/v1/threads/t2").json()["approvals"] == []
        assert other.client.get("/v1/threads/t1").json()["approvals"] == [waits]
        assert approve(other, "t1", waits).json()["answer"] == "Order 7 is cancelled."
    assert begun.read_text(encoding="utf-8").split() == ["13", "7"]


def approve(process: Process, thread_id: str, approval: dict[str, Any]) -> httpx2.Response:
    path = f"/v1/threads/{thread_id}/approvals/{approval['id']}"
    return process.client.post(path, json={"decision": "approve"})


def kill_a_process_in_the_middle_of_its_turns(one: Process, other: Process) -> None:
    acknowledged = []

    def talk(number: int) -> None:
        message = f"Moons of Mars, question {number}"
        more: dict[str, Any] = {"thread_id": "t2", "headers": {"Idempotency-Key": f"key-{number}"}}
        try:
            ask(one, message, **more)
        except (httpx2.TransportError, AssertionError):
            ask(other, message, **more)  # what its client does: the same again, elsewhere
        acknowledged.append(message)
        if len(acknowledged) == 5:
            one.end(signal.SIGKILL)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(talk, range(12)))
    assert sorted(asked(other, "t2")) == sorted(acknowledged)
    assert len(acknowledged) == 12


def kill_the_database_in_the_middle_of_turns(database: Postgres, service: Process) -> None:
    replies = []

    def talk(number: int) -> None:
        message = f"Moons of Saturn, question {number}"
        replies.append((message, ask(service, message, thread_id=f"t{3 + number % 3}")))
        if number == 10:
            database.stop(signal.SIGKILL)
        if number == 20:
            assert service.client.get("/readyz").status_code == 503
            database.start()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(talk, range(30)))
    service.wait_until_ready()
    assert ask(service, MARS, thread_id="t3")["degraded"] is False
    saved = {message for message, reply in replies if "not_saved" not in reply["degraded_because"]}
    kept = {message for number in (3, 4, 5) for message in asked(service, f"t{number}")}
    assert saved <= kept
    assert len(saved) < len(replies)
    assert all(reply["answer"] == "saturn has 146 moons." for _, reply in replies)


@pytest.mark.checklist("DEP-4")
@pytest.mark.slow
def test_a_stream_that_outlives_the_grace_ends_with_an_event_and_the_process_with_0(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": "memory://",
        "LLM_MODEL": "openai:scripted",
        "LLM_PLANNER_MODEL": "embedded",  # answers at once: the stream begins, then the agent hangs
        "LLM_API_KEY": "no-key",
        "SHUTDOWN_DELAY_SECONDS": "0.3",
        "SHUTDOWN_GRACE_SECONDS": "0.5",
    }
    with OpenAIServer(lambda _: Hang()) as model:
        settings["LLM_BASE_URL"] = model.url
        with processes(1, settings, tmp_path) as (service,):
            with (
                service.client.stream("POST", "/v1/chat/stream", json={"message": MARS}) as stream,
                httpx2.Client(base_url=service.client.base_url) as other,
            ):
                service.process.send_signal(signal.SIGTERM)
                while other.get("/readyz").status_code == 200:
                    pass
                text = stream.read().decode()
            assert "event: error" in text.splitlines()[-3]
            assert "urn:problem:shutting-down" in text
            assert service.process.wait(30) == 0
            assert "Traceback" not in service.log


@pytest.mark.checklist("OBS-2")
@pytest.mark.slow
def test_several_workers_serve_one_port_and_end_well(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "WORKERS": "2", "HISTORY_TURNS": "10"}
    settings["TMPDIR"] = str(tmp_path)
    with processes(1, settings, tmp_path) as (service,):
        last = time.monotonic() + PATIENCE_SECONDS
        while service.log.count('"event":"started"') < 3:  # both workers, and the check before
            assert time.monotonic() < last, service.log
            time.sleep(0.05)
        questions = [f"Moons of Mars, question {number}" for number in range(8)]

        def talk(message: str) -> None:
            with httpx2.Client(base_url=service.client.base_url, timeout=60) as client:
                body = {"message": message, "thread_id": "t1"}
                assert client.post("/v1/chat", json=body).status_code == 200

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(talk, questions))
        assert sorted(asked(service, "t1")) == sorted(questions)
        check_that_every_worker_counts_for_all(service, len(questions))
        assert len(list(tmp_path.glob("metrics-*/counter_*.db"))) == 2  # both counted
        assert service.end() == 0
        assert "Traceback" not in service.log


def check_that_every_worker_counts_for_all(service: Process, answers: int) -> None:
    def tell(_: int) -> tuple[list[str], list[str]]:
        with httpx2.Client(base_url=service.client.base_url, timeout=60) as client:
            told = client.get("/metrics").text.splitlines()
        counted = [line for line in told if line.startswith("answers_total")]
        return counted, [line for line in told if line.startswith("ready")]

    with ThreadPoolExecutor(8) as pool:  # connections enough for both of them
        for counted, ready in pool.map(tell, range(16)):
            assert counted == ['answers_total{degraded="false"}' + f" {answers}.0"]
            assert 'ready{part="service"} 1.0' in ready
