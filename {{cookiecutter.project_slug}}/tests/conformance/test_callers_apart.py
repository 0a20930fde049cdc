"""Nobody reaches what is another's: conversations, ratings, replies that are kept; on every kind of store."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from langchain_core.messages import AIMessage

from harness.auth.principal import Principal
from harness.runtime.agent_runner import AgentRunner
from tests.conftest import Door
from tests.harness.http.test_streaming import events
from tests.support.callers import ANA, ANA_TOO, EVE, QUESTION, Guarded, by, call


@pytest.fixture
async def client(door: Door, guarded: Guarded) -> httpx2.AsyncClient:
    return await door.open(guarded.settings)


@pytest.fixture
async def kept(door: Door, guarded: Guarded, url: str) -> httpx2.AsyncClient:
    """The same service, on each kind of store."""
    return await door.open(guarded.changed(database_url=url))


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
    await call(client, "DELETE", "/v1/threads/t1", ANA)  # within a conversation the question before counts too

    async def fail(*_: Any) -> AIMessage:
        raise ConnectionError("planted")

    monkeypatch.setattr(AgentRunner, "answer", fail)
    reasons = {}
    for key in (ANA_TOO, EVE):
        reply = (await call(client, "POST", "/v1/chat", key)).json()
        assert reply["answer"] == "mars has 2 moons."
        reasons[key.record.name] = "kept_answer" in reply["degraded_because"]
    assert reasons == {"ana": True, "eve": False}
