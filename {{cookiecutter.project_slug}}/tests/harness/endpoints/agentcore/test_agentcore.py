"""Tests of `endpoint`, `requests` and `settings`: what the conformance tests do not show."""

import asyncio
import os
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest

from harness.endpoints.agentcore import endpoint as module
from harness.endpoints.agentcore.settings import AgentCoreSettings
from harness.errors import ConfigurationError
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.agents import MoonsAgent
from tests.support.approving import AGENTS, CANCEL, WAITS, cancelled
from tests.support.writing_agent import OrdersAgent

PREFIX = "X-Amzn-Bedrock-AgentCore-Runtime-"
SESSION, USER = f"{PREFIX}Session-Id", f"{PREFIX}User-Id"
QUESTION, ANSWER = "How many moons has Mars?", "mars has 2 moons."
EVENTS = {"Accept": "text/event-stream"}
EMPTY = os.devnull


def test_headers_and_lengths_are_those_of_the_platform_s_own_client() -> None:
    model = pytest.importorskip("botocore.session").get_session().get_service_model("bedrock-agentcore")
    members = model.operation_model("InvokeAgentRuntime").input_shape.members
    session, user = members["runtimeSessionId"], members["runtimeUserId"]
    assert (session.serialization["name"], user.serialization["name"]) == (module.SESSION_HEADER, USER)
    assert (session.metadata["min"], session.metadata["max"], user.metadata["max"]) == (33, 256, module.USER_MAX_CHARS)


async def invoke(client: httpx2.AsyncClient, body: Any, **headers: str) -> httpx2.Response:
    return await client.post("/invocations", json=body, headers=headers)


@pytest.mark.checklist("PLAT-1")
async def test_a_session_of_any_length_that_the_platform_has_is_a_conversation(client: httpx2.AsyncClient) -> None:
    threads = set()
    for session in ("s" * 33, "s" * 64, "/:." * 85 + "!"):
        first = await invoke(client, {"prompt": QUESTION}, **{SESSION: session})
        assert (first.status_code, first.json()["answer"]) == (200, ANSWER)
        again = await invoke(client, {"prompt": "And Saturn?"}, **{SESSION: session})
        assert (again.json()["answer"], again.json()["thread_id"]) == (
            "saturn has 146 moons.",
            first.json()["thread_id"],
        )
        threads.add(thread := first.json()["thread_id"])
        assert UUID(thread).hex == thread  # as a LangGraph server names one
    assert len(threads) == 3
    for session in ("s" * 32, "s" * 257, "s" * 32 + " s", "s" * 32 + "ñ"):
        refused = await client.post(
            "/invocations", json={"prompt": QUESTION}, headers=[(SESSION.encode(), session.encode())]
        )
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), session


async def test_a_conversation_can_be_named_whatever_the_session(client: httpx2.AsyncClient) -> None:
    await client.post("/v1/chat", json={"message": QUESTION, "thread_id": "t1"})
    answer = await invoke(client, {"prompt": "And Saturn?", "thread_id": "t1"}, **{SESSION: "s" * 33})
    assert answer.json()["answer"] == "saturn has 146 moons."
    without = await invoke(client, {"prompt": "And Saturn?"})
    assert without.json()["thread_id"] not in ("t1", "")


@pytest.mark.checklist("PLAT-1")
async def test_events_are_those_of_the_chat(client: httpx2.AsyncClient) -> None:
    answer = await invoke(client, {"prompt": QUESTION}, **EVENTS)
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [it.partition(": ")[2] for it in answer.text.splitlines() if it.startswith("event: ")]
    assert (names[0], names[-1]) == ("started", "final")
    whole = orjson.loads(answer.text.strip().rpartition("data: ")[2])
    assert whole["answer"] == ANSWER


@pytest.mark.checklist("PLAT-1")
async def test_a_body_that_says_no_kind_is_json_unless_a_browser_sent_it(client: httpx2.AsyncClient) -> None:
    body = orjson.dumps({"prompt": QUESTION})
    untold: list[dict[str, str]] = [{}, {"Content-Type": "application/octet-stream"}]
    for headers in untold:
        answer = await client.post("/invocations", content=body, headers=headers)
        assert (answer.status_code, answer.json()["answer"]) == (200, ANSWER)
        from_page = {**headers, "Origin": "https://pages.example"}
        assert (await client.post("/invocations", content=body, headers=from_page)).status_code == 422
        assert (await client.post("/v1/chat", content=body, headers=headers)).status_code == 422
    plain = {"Content-Type": "text/plain"}
    assert (await client.post("/invocations", content=body, headers=plain)).status_code == 422


REFUSED: dict[str, Any] = {
    "nothing": {},
    "both": {"prompt": QUESTION, "decision": {"id": "0" * 32, "decision": "approve"}},
    "a blank prompt": {"prompt": " "},
    "no text": {"prompt": ["planted"]},
    "an unknown member": {"prompt": QUESTION, "planted": 1},
    "a thread of another form": {"prompt": QUESTION, "thread_id": "planted.x"},
    "a key of another form": {"prompt": QUESTION, "idempotency_key": "planted x"},
    "no such verdict": {"decision": {"id": "0" * 32, "decision": "planted"}},
    "a decision about no call": {"decision": {"decision": "approve"}, "thread_id": "t1"},
    "a decision of no conversation": {"decision": {"id": "0" * 32, "decision": "approve"}},
    "a list": ["planted"],
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_read_is_refused_and_not_repeated(client: httpx2.AsyncClient, body: Any) -> None:
    answer = await invoke(client, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "planted" not in answer.text.replace('"field":"planted"', "")


async def test_a_decision_is_an_invocation_of_the_same_session(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrdersAgent, "ran", [])
    monkeypatch.setenv("LANGUAGE", "en")
    client = await door.open(Settings(database_url="memory://"), AGENTS)
    asked = await invoke(client, {"prompt": CANCEL}, **{SESSION: "s" * 40})
    assert asked.json()["answer"] == WAITS
    (call,) = asked.json()["approvals"]
    body = {"decision": {"id": call["id"], "decision": "approve"}}
    elsewhere = await invoke(client, body, **{SESSION: "t" * 40})
    assert (elsewhere.status_code, cancelled()) == (404, [])
    done = await invoke(client, body, **{SESSION: "s" * 40})
    assert (done.json()["answer"], cancelled()) == ("Order 7 is cancelled.", [7])
    again = await invoke(client, body, **{SESSION: "s" * 40}, **EVENTS)
    assert again.text.startswith("id: 1\nevent: final\n")
    assert cancelled() == [7]


async def test_a_ping_says_busy_while_a_message_is_answered_and_when_that_changed(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, let_go = [1000.0], asyncio.Event()
    monkeypatch.setattr(module, "time", lambda: now[0])
    first = (await client.get("/ping")).json()
    assert first["status"] == "Healthy"

    async def wait(*_: Any, **__: Any) -> Any:
        await let_go.wait()
        raise RuntimeError("planted")

    monkeypatch.setattr(MoonsAgent, "answer", wait, raising=False)
    monkeypatch.setattr("harness.service.Service._answer", wait)
    asked = asyncio.create_task(invoke(client, {"prompt": QUESTION}))
    while (told := (await client.get("/ping")).json())["status"] == "Healthy":
        assert told == first
        await asyncio.sleep(0)
    assert told == {"status": "HealthyBusy", "time_of_last_update": 1000}
    now[0] = 1007.9
    assert (await client.get("/ping")).json() == told
    let_go.set()
    assert (await asked).status_code == 500
    for later in (1007.9, 1900):
        now[0] = later
        assert (await client.get("/ping")).json() == {"status": "Healthy", "time_of_last_update": 1007}


async def opened(door: Door, monkeypatch: pytest.MonkeyPatch, header: str = USER, **more: Any) -> httpx2.AsyncClient:
    monkeypatch.setenv("AGENTCORE_USER_HEADER", header)
    values: dict[str, Any] = {"database_url": "memory://", "authentication": "keys", "api_keys_file": EMPTY, **more}
    return await door.open(Settings(**values), AGENTS)


async def test_the_platform_s_header_names_the_caller_only_where_a_setting_says_so(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, Any] = {"database_url": "memory://", "authentication": "keys", "api_keys_file": EMPTY}
    closed = await door.open(Settings(**values))
    assert (await invoke(closed, {"prompt": QUESTION}, **{USER: "ana"})).status_code == 401
    client = await opened(door, monkeypatch)
    ana, eve = {SESSION: "s" * 33, USER: "ana"}, {SESSION: "s" * 33, USER: "eve"}
    assert (await invoke(client, {"prompt": QUESTION}, **ana)).json()["answer"] == ANSWER
    foreign = await invoke(client, {"prompt": "And Saturn?"}, **eve)
    assert "146" not in foreign.text
    assert "146" in (await invoke(client, {"prompt": "And Saturn?"}, **ana)).text
    for headers in ([], [(USER, "")], [(USER, "x" * 1025)], [(USER, "ana"), (USER, "eve")]):
        nobody = await client.post("/invocations", json={"prompt": QUESTION}, headers=headers)
        assert nobody.status_code == 401, headers
    assert (await client.get("/v1/agents", headers={USER: "ana"})).status_code == 401
    assert (await client.post("/ping", headers={USER: "ana"})).status_code == 401


async def test_whom_it_names_decides_only_with_the_scope(
    door: Door, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setattr(OrdersAgent, "ran", [])
    for scopes, status in (("chat,threads", 403), ("chat,approve", 200)):
        monkeypatch.setenv("AGENTCORE_SCOPES", scopes)
        client = await opened(door, monkeypatch, f"{PREFIX}Custom-User", log_format="json")
        ana = {f"{PREFIX}custom-user": "ana", SESSION: "s" * 33}
        (call,) = (await invoke(client, {"prompt": CANCEL}, **ana)).json()["approvals"]
        decided = await invoke(client, {"decision": {"id": call["id"], "decision": "approve"}}, **ana)
        assert decided.status_code == status, decided.text
    assert cancelled() == [7]
    assert {it["principal"] for it in lines.named("turn")} != {"anonymous"}
    assert '"ana"' not in lines.text


@pytest.mark.parametrize(
    "name", ["Authorization", "X-User", f"{PREFIX}Session-Id", f"{PREFIX}Custom-", f"{USER}, {USER}"]
)
def test_no_other_header_names_a_caller(name: str) -> None:
    with pytest.raises(ConfigurationError, match="AGENTCORE_USER_HEADER"):
        AgentCoreSettings(agentcore_user_header=name)


@pytest.mark.parametrize("way", ["oidc", "both"])
async def test_no_header_names_a_caller_beside_tokens(door: Door, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    tokens = {"oidc_issuer": "https://issuer.example", "oidc_audience": "agents"}
    with pytest.raises(ConfigurationError, match="AGENTCORE_USER_HEADER: with AUTHENTICATION"):
        await opened(door, monkeypatch, authentication=way, **tokens)


def test_production_wants_a_proof_at_every_other_path() -> None:
    values: dict[str, Any] = {"environment": "production", "use_fake_data": False}
    with pytest.raises(ConfigurationError, match="AUTHENTICATION=off"):
        Settings(**values)
    assert Settings(**values, authentication="keys", api_keys_file=EMPTY).authentication == "keys"
