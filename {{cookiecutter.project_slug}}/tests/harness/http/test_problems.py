from http import HTTPStatus

import httpx2
import pytest

from harness.errors import ModelUnavailable, ServiceError, SourceUnavailable
from harness.service import Service
from tests.conftest import Lines


def break_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Service, "ask", broken)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/v1/chat", 405), ("POST", "/healthz", 405)],
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
    assert answer.headers["allow"] == "DELETE, GET"


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
    client: httpx2.AsyncClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    error: ServiceError,
    kind: str,
) -> None:
    break_with(monkeypatch, error)
    answer = await client.post("/v1/chat", json={"message": "x"})
    assert answer.status_code == error.status
    assert answer.json()["type"] == f"urn:problem:{kind}"
    assert answer.json()["detail"] == error.detail
    assert "10.0.0.7" not in answer.text
    assert "10.0.0.7" in lines.text
