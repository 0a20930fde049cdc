"""Tests of `chat`, `routes`, `state`, `openapi` and `problems`."""

import gc
import json
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from harness.application import Application
from harness.errors import ModelUnavailable, ServiceError, SourceUnavailable
from harness.http.routes import StrictRequest
from harness.http.state import AppState
from harness.service import Service
from harness.settings import Configuration, Settings
from harness.telemetry.logging import Logs
from harness.telemetry.redaction import MASK
from tests.conftest import Door, Lines
from tests.support.agents import TEST_AGENTS, MoonsAgent


async def test_every_agent_is_listed_with_questions_to_try(client: httpx2.AsyncClient) -> None:
    cards = (await client.get("/v1/agents")).json()
    assert [card["name"] for card in cards] == [agent.name for agent in TEST_AGENTS]
    assert cards[0]["description"]["es"] == "Lunas de un planeta."
    assert cards[0]["examples"]["en"] == ["How many moons has Mars?", "Moons of Saturn"]


@pytest.mark.parametrize("value", [None, True, 1.5, "é", [], {"a": {"b": [1, 2]}, "c": {"b": 1}}])
def test_ordinary_json_is_read(value: object) -> None:
    assert StrictRequest.loads(json.dumps(value).encode()) == value


HOSTILE = {
    "NaN": (b"NaN", "NaN"),
    "infinity in a list": (b"[-Infinity]", "NaN"),
    "a name twice": (b'{"a": 1, "a": 1}', "twice"),
    "a name twice deep down": (b'[{"b": {"a": 1, "a": 2}}]', "twice"),
    "nested": (b"[" * 100_000, "deeply"),
    "5000 digits": (b"1" * 5000, "cannot be read"),
    "not UTF-8": (b'"\xff"', "cannot be read"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "cannot be read"),
    "UTF-16 without a mark": ('{"a": 1}'.encode("utf-16-le"), "Expecting"),
    "UTF-32": ('{"a": 1}'.encode("utf-32"), "cannot be read"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "BOM"),
    "cut off": (b"{", "Expecting"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_another_reader_might_take_otherwise_is_refused(kind: str) -> None:
    body, problem = HOSTILE[kind]
    with pytest.raises(json.JSONDecodeError, match=problem):
        StrictRequest.loads(body)


class TideSettings(Configuration):
    """An agent's own settings."""

    tide_key: SecretStr = SecretStr("no-known-shape")
    """A secret."""


class TideAgent(MoonsAgent):
    """Has settings of its own."""

    name = "tides"
    settings_class = TideSettings  # type: ignore[assignment]  # TableAgent needs none


async def test_the_secrets_of_agents_are_masked_from_the_start_on(settings: Settings) -> None:
    logs = Logs(settings)
    assert logs.redactor.text("no-known-shape") == "no-known-shape"
    async with AppState.start(Application([TideAgent]), settings, logs) as running:
        assert logs.redactor.text("no-known-shape") == MASK
        assert [agent.name for agent in running.service.agents] == ["tides"]
        assert await running.store.is_healthy()


async def test_the_garbage_collector_passes_by_what_the_start_made_until_the_end(door: Door) -> None:
    await door.open()
    assert gc.get_freeze_count() > 10_000
    await door.close()
    assert gc.get_freeze_count() == 0


async def document(client: httpx2.AsyncClient) -> dict[str, Any]:
    return dict((await client.get("/openapi.json")).json())


async def test_every_door_that_reads_a_body_declares_its_problems(client: httpx2.AsyncClient) -> None:
    found = await document(client)
    posts = {path: item["post"] for path, item in found["paths"].items() if "post" in item}
    decisions = "/v1/threads/{thread_id}/approvals/{approval_id}"
    assert set(posts) == {"/v1/chat", "/v1/chat/stream", "/v1/feedback", decisions}
    for operation in posts.values():
        for status in ("408", "413", "422", "500"):
            content = operation["responses"][status]["content"]
            schema = content["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in found["components"]["schemas"]


async def test_every_route_declares_the_unforeseen_failure(client: httpx2.AsyncClient) -> None:
    for path, item in (await document(client))["paths"].items():
        for operation in item.values():
            assert "500" in operation["responses"], path


async def test_the_stream_is_declared_as_events(client: httpx2.AsyncClient) -> None:
    stream = (await document(client))["paths"]["/v1/chat/stream"]["post"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "How many moons has Mars? How high is Everest?"),
        ("es", "¿Cuántas lunas tiene Marte? ¿Cuánto mide el Everest?"),
    ],
)
async def test_examples_are_in_the_services_language_and_work(door: Door, language: str, message: str) -> None:
    client = await door.open(Settings(database_url="memory://", language=language))
    schemas = (await document(client))["components"]["schemas"]
    assert schemas["ChatRequest"]["example"] == {"message": message}
    assert schemas["Reply"]["example"]["language"] == language
    answer = await client.post("/v1/chat", json=schemas["ChatRequest"]["example"])
    assert [agent["name"] for agent in answer.json()["agents"]] == ["moons", "heights"]


async def test_the_longest_message_is_the_one_of_the_settings(door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", message_max_chars=77))
    message = (await document(client))["components"]["schemas"]["ChatRequest"]["properties"]
    assert message["message"]["maxLength"] == 77


async def test_a_service_without_agents_is_described_too(door: Door) -> None:
    client = await door.open(agents=[])
    first, again = await document(client), await document(client)
    assert "example" not in first["components"]["schemas"]["ChatRequest"]
    assert first == again


def break_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Service, "ask", broken)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/v1/chat", 405), ("POST", "/healthz", 405)]
)
async def test_an_unknown_path_or_method_is_a_problem(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["title"] == HTTPStatus(status).phrase
    assert problem["instance"] == answer.headers["x-request-id"]
    assert ("allow" in answer.headers) == (status == 405)


async def test_a_refused_method_is_told_all_that_are_allowed(client: httpx2.AsyncClient) -> None:
    answer = await client.patch("/v1/threads/t1")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"


async def test_an_unforeseen_failure_shows_its_id_and_logs_the_rest(
    client: httpx2.AsyncClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(monkeypatch, RuntimeError("at http://internal, password=hunter2"))
    answer = await client.post("/v1/chat", json={"message": "x", "thread_id": "t1"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": ServiceError.detail,
        "instance": answer.headers["x-request-id"],
    }
    (logged,) = lines.named("request_failed")
    assert logged["request_id"] == answer.headers["x-request-id"]
    assert logged["thread_id"] == "t1"
    assert logged["exception"][0]["exc_value"].startswith("at http://internal")
    assert "hunter2" not in lines.text
    assert "locals" not in lines.text
    assert [line["status"] for line in lines.named("request")] == [500]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SourceUnavailable("rates.example", "refused by 10.0.0.7"), "source-unavailable"),
        (ModelUnavailable("agent", "refused by 10.0.0.7"), "model-unavailable"),
    ],
)
async def test_our_own_errors_show_the_callers_text_and_log_the_operators(
    client: httpx2.AsyncClient, lines: Lines, monkeypatch: pytest.MonkeyPatch, error: ServiceError, kind: str
) -> None:
    break_with(monkeypatch, error)
    answer = await client.post("/v1/chat", json={"message": "x"})
    assert answer.status_code == error.status
    assert answer.json()["type"] == f"urn:problem:{kind}"
    assert answer.json()["detail"] == error.detail
    assert "10.0.0.7" not in answer.text
    assert "10.0.0.7" in lines.text
