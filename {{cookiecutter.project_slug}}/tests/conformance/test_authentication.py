"""Every door asks who calls, and nobody reaches what is another's: on every kind of store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from langchain_core.messages import AIMessage
from starlette.requests import Request

from harness.auth.api_key import NewKey
from harness.auth.principal import Principal, Scope
from harness.errors import Unauthenticated
from harness.http.authentication import RequiredScope
from harness.runtime.agent_runner import AgentRunner
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.harness.http.test_streaming import events

ALL = [Scope.CHAT, Scope.THREADS, Scope.APPROVE]
ANA = NewKey.make("ana", ALL, None)
ANA_TOO = NewKey.make("ana", ALL, None)
EVE = NewKey.make("eve", ALL, None)
TALKER = NewKey.make("talker", [Scope.CHAT], None)
COLLECTOR = NewKey.make("collector", [Scope.METRICS], None)

APPROVAL = "0" * 32

QUESTION = {"message": "How many moons has Mars?", "thread_id": "t1"}

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

BODIES = {"/v1/feedback": {"run_id": str(UUID(int=0)), "rating": "up"}}
"""What is sent where it is no question."""


def by(key: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


@dataclass(frozen=True)
class Guarded:
    """A service that knows the callers above by their keys."""

    settings: Settings
    file: Path

    def changed(self, **changes: Any) -> Settings:
        return self.settings.model_copy(update=changes)


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    file = tmp_path / "keys.jsonl"
    made = (ANA, ANA_TOO, EVE, TALKER, COLLECTOR)
    file.write_text("".join(f"{key.record.line}\n" for key in made))
    values: dict[str, Any] = {
        "database_url": "memory://",
        "authentication": "keys",
        "api_keys_file": file,
        "turn_wait_seconds": 0.05,
    }
    return Guarded(Settings(**values), file)


@pytest.fixture
async def client(door: Door, guarded: Guarded) -> httpx2.AsyncClient:
    return await door.open(guarded.settings)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, door: Door, guarded: Guarded, tmp_path: Path) -> httpx2.AsyncClient:
    """The same service, on each kind of store."""
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/threads.sqlite"}
    url = urls.get(request.param) or request.getfixturevalue("database_url")
    return await door.open(guarded.changed(database_url=url))


async def call(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    key: NewKey | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    named = {**(headers or {}), **(by(key) if key else {})}
    body = BODIES.get(path, QUESTION) if method == "POST" else None
    if "approvals" in path:
        body = {"decision": "approve"}
    return await client.request(method, path, json=body, headers=named)


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


@pytest.mark.checklist("OBS-6", "COST-1")
async def test_an_answer_is_rated_by_who_got_it_alone(kept: httpx2.AsyncClient) -> None:
    run_id = (await call(kept, "POST", "/v1/chat", ANA)).json()["run_id"]
    body = {"run_id": run_id, "rating": "down"}
    foreign = await kept.post("/v1/feedback", json=body, headers=by(EVE))
    unknown = await kept.post("/v1/feedback", json=body | {"run_id": str(UUID(int=0))}, headers=by(EVE))
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    # Nothing tells one from the other.
    assert foreign.json() | {"instance": ""} == unknown.json() | {"instance": ""}
    assert foreign.json()["type"] == "urn:problem:run-unknown"
    assert (await kept.post("/v1/feedback", json=body, headers=by(ANA))).status_code == 204


@pytest.mark.checklist("COST-1")
async def test_a_thread_is_its_owners_at_every_door(kept: httpx2.AsyncClient) -> None:
    await call(kept, "POST", "/v1/chat", ANA)
    for method in ("GET", "DELETE"):
        foreign = await call(kept, method, "/v1/threads/t1", EVE)
        unknown = await call(kept, method, "/v1/threads/none", EVE)
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        for answer in (foreign, unknown):  # nothing tells one from the other
            assert answer.json() | {"instance": ""} == unknown.json() | {"instance": ""}
    # To go on with another's thread begins one of one's own, of the same name.
    follow_up = {"message": "And Saturn?", "thread_id": "t1"}
    for path in ("/v1/chat", "/v1/chat/stream"):
        answer = await kept.post(path, json=follow_up, headers=by(EVE))
        assert answer.status_code == 200
        assert "Mars" not in answer.text
        assert "146 moons" not in answer.text  # an id may hold 146
    hers = (await call(kept, "GET", "/v1/threads/t1", ANA)).json()
    assert hers["thread_id"] == "t1"
    assert [it["text"] for it in hers["messages"]] == [QUESTION["message"], "mars has 2 moons."]
    assert (await call(kept, "DELETE", "/v1/threads/t1", EVE)).status_code == 204
    assert (await call(kept, "GET", "/v1/threads/t1", ANA_TOO)).json() == hers
    assert (await call(kept, "DELETE", "/v1/threads/t1", ANA_TOO)).status_code == 204
    assert (await call(kept, "GET", "/v1/threads/t1", ANA)).status_code == 404


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("name", ["t1", "{owner}:t1", "{owner}%3At1", "..%2Ft1"])
async def test_no_name_reaches_the_thread_of_another(kept: httpx2.AsyncClient, name: str) -> None:
    await call(kept, "POST", "/v1/chat", ANA)
    owner = Principal.from_key("ana", []).id
    path = f"/v1/threads/{name.format(owner=owner)}"
    for method in ("GET", "DELETE"):
        assert (await call(kept, method, path, EVE)).status_code in (404, 422)
    assert (await call(kept, "GET", "/v1/threads/t1", ANA)).status_code == 200


@pytest.mark.checklist("COST-1")
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
async def test_a_find_reply_is_its_owners(kept: httpx2.AsyncClient, path: str) -> None:
    tries = {}
    for key in (ANA, EVE, ANA_TOO):
        answer = await call(kept, "POST", path, key, {"Idempotency-Key": "key-1"})
        assert answer.status_code == 200
        is_stream = path.endswith("stream")
        tries[key.text] = events(answer.text)[-1][2] if is_stream else answer.json()
    assert tries[ANA_TOO.text] == tries[ANA.text]
    assert tries[EVE.text]["run_id"] != tries[ANA.text]["run_id"]


async def test_a_turn_of_one_caller_holds_up_no_other(door: Door, kept: httpx2.AsyncClient) -> None:
    store = door.running.store
    hers = Principal.from_key("ana", []).conversation("t1")
    async with store.lock(store.lock_name(hers.key), 0):
        assert (await call(kept, "POST", "/v1/chat", ANA)).status_code == 409
        assert (await call(kept, "POST", "/v1/chat", EVE)).status_code == 200


@pytest.mark.checklist("COST-1")
async def test_an_answer_that_is_kept_for_one_caller_stands_in_for_no_other(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(client, "POST", "/v1/chat", ANA)

    async def fail(*_: Any) -> AIMessage:
        raise ConnectionError("planted")

    monkeypatch.setattr(AgentRunner, "answer", fail)
    reasons = {}
    for key in (ANA_TOO, EVE):
        reply = (await call(client, "POST", "/v1/chat", key)).json()
        assert reply["answer"] == "mars has 2 moons."
        reasons[key.record.name] = "kept_answer" in reply["degraded_because"]
    assert reasons == {"ana": True, "eve": False}


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
