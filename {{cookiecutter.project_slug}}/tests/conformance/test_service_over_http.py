"""From a question to its answer: a server process, an HTTP client, a model behind a socket."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.support.peers.openai_replies import USAGE, Request
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY, QUESTION, WRITTEN, ScriptedModel

pytestmark = pytest.mark.xdist_group("service over HTTP")  # one process of the service for all

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
"""A cold start imports the provider's package: 2 to 10 s on two busy cores."""

INHERITED = ("PATH", "SYSTEMROOT", "TEMP", "TMP")
"""What the process gets of our environment; it reads its settings from the rest."""


@dataclass
class Running:
    """The service process, the model it asks, and what it logged."""

    client: httpx2.Client
    model: ScriptedModel
    server: OpenAIServer
    log: Path

    def ask(self, message: str, **more: Any) -> dict[str, Any]:
        reply = self.client.post("/v1/chat", json={"message": message, **more})
        assert reply.status_code == 200, reply.text
        document: dict[str, Any] = reply.json()
        return document

    def lines(self, event: str, thread_id: str) -> list[dict[str, Any]]:
        """The log's lines of one event in one thread."""
        lines = map(orjson.loads, self.log.read_bytes().splitlines())
        return [it for it in lines if it["event"] == event and it.get("thread_id") == thread_id]

    def asked(self, role: str) -> list[Request]:
        """What the model was asked in one role, in this test."""
        return [it for it in self.server.requests if it.model == f"scripted-{role}"]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def serving(environment: Mapping[str, str], folder: Path) -> Iterator[httpx2.Client]:
    """A client of a service process that is ready; its log is `folder/log`."""
    url = f"http://127.0.0.1:{environment['PORT']}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.served"], cwd=folder, env=environment, stderr=log
        )
    try:
        with httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            last = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < last and process.poll() is None:
                try:
                    client.get("/readyz").raise_for_status()
                except httpx2.TransportError:
                    time.sleep(0.05)
                else:
                    break
            else:
                pytest.fail(f"the service did not start: {(folder / 'log').read_text()}")
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("service")
    model = ScriptedModel()
    with OpenAIServer(model) as server:
        environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **ScriptedModel.ENVIRONMENT,
            "LLM_BASE_URL": server.url,
            "LLM_API_KEY": KEY,
            "USE_FAKE_DATA": "true",
            "ANSWER_CACHE_TTL_SECONDS": "0",  # so that no test is answered by another's answer
            "DATABASE_URL": f"sqlite:///{(folder / 'threads.sqlite').as_posix()}",
            "LOG_FORMAT": "json",
            "PORT": str(free_port()),
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
        }
        with serving(environment, folder) as client:
            yield Running(client, model, server, folder / "log")


@pytest.fixture
def service(started: Running) -> Iterator[Running]:
    """The running service, with a model that is up and was not asked yet."""
    started.server.requests.clear()
    yield started
    started.model.is_down = False


@pytest.mark.checklist("DEP-4", "COG-1")
def test_a_question_of_two_tasks_is_answered_by_two_agents_and_one_writer(service: Running) -> None:
    reply = service.ask(QUESTION)

    assert reply["answer"] == WRITTEN
    assert reply["language"] == "en"
    assert [(agent["name"], agent["status"]) for agent in reply["agents"]] == [
        ("moons", "answered"),
        ("heights", "answered"),
    ]
    assert [source["url"] for source in reply["sources"]] == [
        "https://tables.example/moons",
        "https://tables.example/heights",
    ]
    assert (reply["degraded"], reply["degraded_because"]) == (False, [])
    calls = {"planner": 1, "agent": 4, "writer": 1}
    assert {role: len(service.asked(role)) for role in calls} == calls
    assert reply["usage"] == {
        "model_calls": 6,
        "input_tokens": 6 * USAGE["prompt_tokens"],
        "output_tokens": 6 * USAGE["completion_tokens"],
        "cost_usd": pytest.approx(6 * (11 * 1000 + 7 * 2000) / 1_000_000),
    }


@pytest.mark.checklist("DEP-4")
def test_the_agents_tools_run_in_the_service_and_the_model_reads_their_results(service: Running) -> None:
    service.ask(QUESTION)

    results = [request.results for request in service.asked("agent") if request.results]
    facts = {orjson.loads(result)["number"] for (result,) in results}
    assert facts == {2, 8849}


@pytest.mark.checklist("DEP-4")
def test_the_same_question_streams_what_happens_and_then_the_same_answer(service: Running) -> None:
    events: list[tuple[str, Any]] = []
    with service.client.stream("POST", "/v1/chat/stream", json={"message": QUESTION}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in reply.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                events.append((name, orjson.loads(value)))

    names = [name for name, _ in events]
    assert names[:2] == ["started", "plan"]
    assert sorted(names[2:6]) == ["agent_finished"] * 2 + ["agent_started"] * 2
    assert names[-1] == "final"
    tokens = [data["text"] for name, data in events if name == "token"]
    assert len(tokens) > 1
    assert "".join(tokens) == events[-1][1]["answer"] == WRITTEN
    assert events[-1][1]["usage"]["model_calls"] == 6
    assert [request.streams for request in service.asked("writer")] == [True]


def test_a_thread_goes_on_over_several_requests(service: Running) -> None:
    first = service.ask(QUESTION)

    service.ask("And now?", thread_id=first["thread_id"])

    rules = str(service.asked("planner")[-1].messages[0]["content"])
    assert QUESTION in rules
    assert WRITTEN in rules


@pytest.mark.checklist("TEST-4")
def test_with_the_model_down_the_agents_answer_from_their_data(service: Running) -> None:
    service.model.is_down = True

    reply = service.ask(QUESTION)

    assert reply["answer"] == "mars has 2 moons.\n\neverest is 8849 m high."
    assert reply["degraded"] is True
    assert {"planner_unavailable", "model_unavailable"} <= set(reply["degraded_because"])
    # One retry each for the planner, the two agents and the writer.
    assert len(service.server.requests) == 8


def test_readiness_names_the_model_of_each_role(service: Running) -> None:
    models = service.client.get("/readyz").json()["models"]

    assert {(model["role"], model["model"], model["kind"]) for model in models} == {
        ("planner", "openai:scripted-planner", "provider"),
        ("agent", "openai:scripted-agent", "provider"),
        ("writer", "openai:scripted-writer", "provider"),
    }


@pytest.mark.checklist("OBS-1", "CODE-5")
def test_every_model_call_is_logged_with_its_request_thread_agent_and_prompt(service: Running) -> None:
    thread_id = service.ask(QUESTION)["thread_id"]

    calls = service.lines("model_call", thread_id)
    assert sorted((call["role"], call["prompt"], call.get("agent", "")) for call in calls) == [
        ("agent", "table", "heights"),
        ("agent", "table", "heights"),
        ("agent", "table", "moons"),
        ("agent", "table", "moons"),
        ("planner", "planner", ""),
        ("writer", "writer", ""),
    ]
    assert {call["prompt_version"] for call in calls if call["prompt"] == "table"} == {"7"}
    assert len({call["request_id"] for call in calls}) == 1
    assert all(call["ms"] > 0 for call in calls)


@pytest.mark.checklist("SEC-2", "CFG-1")
def test_the_key_goes_to_the_model_and_into_no_log_line(service: Running) -> None:
    service.model.is_down = True  # and its error quotes the key

    thread_id = service.ask(QUESTION)["thread_id"]

    assert service.server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert {it["outcome"] for it in service.lines("model_call", thread_id)} == {"upstream_error"}
    assert KEY not in service.log.read_text(encoding="utf-8")


def test_a_caller_of_http_1_0_gets_no_chunks(service: Running) -> None:
    """Its answer lasts until the connection ends."""
    url = service.client.base_url
    with (
        socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_SECONDS) as caller,
        caller.makefile("rb") as answer,
    ):
        body = orjson.dumps({"message": QUESTION})
        head = f"POST /v1/chat/stream HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body)
        fields, _, events = answer.read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in fields.lower()
    assert events.startswith(b"id: ")
