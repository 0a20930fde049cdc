"""Every door asks who calls, and nobody reaches what is another's: on every kind of store."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount

from harness.auth.api_key import NewKey
from harness.auth.principal import Principal, Scope
from harness.errors import Unauthenticated
from harness.http.authentication import RequiredScope
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.callers import ALL, ANA, APPROVAL, COLLECTOR, EVE, Guarded, by, call

DOORS = [
    ("POST", "/v1/chat", Scope.CHAT),
    ("POST", "/v1/chat/stream", Scope.CHAT),
    ("POST", "/v1/feedback", Scope.CHAT),
    ("GET", "/v1/agents", Scope.CHAT),
    ("GET", "/v1/threads/t1", Scope.THREADS),
    ("DELETE", "/v1/threads/t1", Scope.THREADS),
    ("GET", "/v1/memory", Scope.THREADS),
    ("DELETE", "/v1/memory", Scope.THREADS),
    ("POST", f"/v1/threads/t1/approvals/{APPROVAL}", Scope.APPROVE),
]
"""Every route below /v1; that none is missing here is a test of its own."""


@pytest.fixture
async def client(door: Door, guarded: Guarded) -> httpx2.AsyncClient:
    return await door.open(guarded.settings)


@pytest.mark.checklist("COST-1")
async def test_the_doors_above_are_all_there_are(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    found = {
        (
            method.upper(),
            path.replace("{thread_id}", "t1").replace("{approval_id}", APPROVAL),
            operation.get("x-required-scope"),
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1")
    }
    assert found == {(method, path, scope.value) for method, path, scope in DOORS}


PUBLIC = {
    *("/healthz", "/readyz", "/version", "/metrics"),
    *("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"),
    *("/.well-known/agent-card.json", "/.well-known/oauth-protected-resource/mcp", "/ping"),
}
"""All that answers without credentials, and for reading alone; METRICS_OPEN=false takes `/metrics` away."""


def routes(app: BaseRoute | FastAPI, before: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, also below mounts and in applications there; parameters filled."""
    for route in iter_route_contexts(getattr(app, "routes", None) or ()):
        path = before + re.sub("{.*?}", "x", str(route.path))
        original = route.original_route
        if isinstance(original, Mount):
            yield from (("GET", f"{path}/x"), ("POST", f"{path}/x"))
            yield from routes(original, path)
        else:
            yield from ((method, path) for method in getattr(original, "methods", None) or ("GET", "POST"))


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("endpoints", ["all", "none"])
async def test_no_route_outside_the_list_answers_without_credentials(
    door: Door, guarded: Guarded, endpoints: str
) -> None:
    client = await door.open(guarded.changed(endpoints=endpoints))
    found = set(routes(door.app))
    assert {(method, re.sub(APPROVAL, "x", path).replace("t1", "x")) for method, path, _ in DOORS} <= found
    for method, path in found:
        for asked in (path, f"{path}/", f"{path}/x"):
            answer = await client.request(method, asked)
            is_public = asked in PUBLIC and method in ("GET", "HEAD")
            assert answer.status_code in ((200, 307) if is_public else (401,)), (method, asked)


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize(("method", "path", "scope"), DOORS)
async def test_a_door_lets_in_callers_with_its_scope_alone(
    client: httpx2.AsyncClient, method: str, path: str, scope: Scope
) -> None:
    nobody = await call(client, method, path)
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    assert nobody.headers["content-type"] == "application/problem+json"
    wrong = await call(client, method, path, headers={"X-API-Key": f"{ANA.text}x"})
    assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:problem:unauthenticated")
    other = await call(client, method, path, COLLECTOR)
    assert (other.status_code, other.json()["type"]) == (403, "urn:problem:scope-missing")
    assert f'scope="{scope}"' in other.headers["WWW-Authenticate"]
    let_in = await call(client, method, path, ANA)
    assert let_in.status_code in (200, 204, 404)


async def test_a_caller_without_a_key_is_refused_before_the_body_is_read(client: httpx2.AsyncClient) -> None:
    for body in (b"{", b"[" * 100_000, b"x" * 10_000_000):
        assert (await client.post("/v1/chat", content=body)).status_code == 401
    assert (await client.post("/v1/chat", content=b"{", headers=by(ANA))).status_code == 422


async def test_a_door_whose_keeper_breaks_lets_nobody_in(
    door: Door, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door.running.authenticator, "keys", object())
    answer = await call(client, "POST", "/v1/chat", ANA)
    assert answer.status_code == 500
    assert "moons" not in answer.text


async def test_a_route_that_let_nobody_in_knows_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        await RequiredScope(Scope.CHAT)(Request({"type": "http", "headers": []}))


async def test_what_probes_ask_is_open(client: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/readyz", "/version", "/openapi.json", "/docs", "/metrics"):
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(("key", "status"), [(None, 401), (ANA, 403), (COLLECTOR, 200)])
async def test_the_metrics_are_for_their_scope_where_the_setting_says_so(
    door: Door, guarded: Guarded, key: NewKey | None, status: int
) -> None:
    client = await door.open(guarded.changed(metrics_open=False))
    answer = await call(client, "GET", "/metrics", key)
    assert answer.status_code == status
    assert ("http_request_seconds" in answer.text) is (status == 200)


@pytest.mark.checklist("SEC-2")
async def test_the_log_tells_callers_apart_and_holds_no_key(client: httpx2.AsyncClient, lines: Lines) -> None:
    await call(client, "POST", "/v1/chat", ANA)
    await call(client, "POST", "/v1/chat", EVE)
    await call(client, "POST", "/v1/chat", headers={"X-API-Key": f"{ANA.text}x"})
    told = [line.get("principal") for line in lines.named("request")]
    names = [Principal.from_key(name, []).log_id for name in ("ana", "eve")]
    assert told == [*names, None]
    assert {line["principal"] for line in lines.named("turn")} == set(names)
    for key in (ANA, EVE):
        assert key.text not in lines.text
        assert key.text.split("_", 2)[2] not in lines.text
    assert [line["reason"] for line in lines.named("caller_refused")] == ["unknown_key"]
    assert 'callers_refused_total{reason="unknown_key"}' in (await client.get("/metrics")).text


@pytest.mark.checklist("COST-1")
async def test_keys_change_while_the_service_runs_and_a_broken_file_changes_nothing(
    client: httpx2.AsyncClient, guarded: Guarded
) -> None:
    new = NewKey.make("ana", ALL, None)
    await call(client, "POST", "/v1/chat", ANA)
    guarded.file.write_text(f"{new.record.line}\n")
    assert (await call(client, "GET", "/v1/threads/t1", new)).status_code == 200
    assert (await call(client, "GET", "/v1/threads/t1", ANA)).status_code == 401
    guarded.file.write_text("broken")
    assert (await call(client, "GET", "/v1/threads/t1", new)).status_code == 200
    ready = (await client.get("/readyz")).json()
    assert ready["status"] == "ready"
    assert ready["callers"] == {
        "mode": "keys",
        "keys": 1,
        "keys_problem": "line 1: no JSON object",
        "provider_problem": None,
    }


async def test_the_document_says_how_to_identify_oneself(door: Door, client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    for method, path, _ in DOORS:
        named = path.replace("t1", "{thread_id}").replace(APPROVAL, "{approval_id}")
        operation = document["paths"][named][method.lower()]
        assert operation["security"] == [{"bearer": []}, {"apiKey": []}]
        assert {"401", "403"} <= set(operation["responses"])
    assert "security" not in document["paths"]["/readyz"]["get"]


async def test_the_document_of_a_service_that_takes_tokens_alone_names_no_keys(door: Door) -> None:
    values: dict[str, Any] = {
        "database_url": "memory://",
        "authentication": "oidc",
        "oidc_issuer": "http://127.0.0.1:9",
        "oidc_audience": "a",
    }
    client = await door.open(Settings(**values))
    document = (await client.get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer"}


async def test_where_nobody_is_asked_the_document_promises_no_check(door: Door) -> None:
    client = await door.open()
    document = (await client.get("/openapi.json")).json()
    assert "securitySchemes" not in document["components"]
    assert "security" not in document["paths"]["/v1/chat"]["post"]
    assert (await call(client, "POST", "/v1/chat")).status_code == 200
