"""A call that writes waits for a person: nothing runs before, then just that call, once."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.runtime.approvals import Approvals
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.harness.http.test_streaming import events
from tests.support.approving import AGENTS, CANCEL, WAITS, ask, cancelled, decide, waiting
from tests.support.writing_agent import OrdersAgent

pytestmark = pytest.mark.usefixtures("no_order_has_run")


async def test_a_call_that_writes_waits_and_is_shown_as_it_would_run(shop: httpx2.AsyncClient) -> None:
    reply = await ask(shop)
    assert OrdersAgent.ran == []
    (approval,) = reply["approvals"]
    assert (approval["agent"], approval["tool"]) == ("orders", "cancel")
    assert approval["arguments"] == {"number": 7, "reason": "none"}  # the default, too
    assert approval["expires_at"].startswith("20")
    assert reply["answer"] == WAITS
    assert [(it["name"], it["status"]) for it in reply["agents"]] == [("orders", "waiting")]
    assert not reply["degraded"]
    thread = (await shop.get("/v1/threads/t1")).json()
    assert thread["approvals"] == reply["approvals"]
    assert [it["text"] for it in thread["messages"]] == [CANCEL, WAITS]


async def test_an_approved_call_runs_once_and_the_answer_tells_its_result(shop: httpx2.AsyncClient) -> None:
    asked = await ask(shop)
    (approval,) = asked["approvals"]
    answer = await decide(shop, approval)
    assert answer.status_code == 200
    reply = answer.json()
    assert OrdersAgent.ran == [(7, "none", approval["id"])]
    assert reply["answer"] == "Order 7 is cancelled."
    assert [it["status"] for it in reply["agents"]] == ["answered"]
    assert (reply["thread_id"], reply["approvals"], reply["degraded"]) == ("t1", [], False)
    assert reply["sources"] == [{"title": "Shop", "url": "shop"}]
    assert reply["run_id"] != asked["run_id"]
    thread = (await shop.get("/v1/threads/t1")).json()
    assert [it["text"] for it in thread["messages"]] == [CANCEL, "Order 7 is cancelled."]
    assert thread["approvals"] == []


async def test_a_rejected_call_never_runs_and_the_answer_says_so(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    reply = (await decide(shop, approval, "reject")).json()
    assert reply["answer"].startswith("This was rejected and not done: orders.cancel(number=7")
    assert [it["status"] for it in reply["agents"]] == ["rejected"]
    assert (await decide(shop, approval, "approve")).status_code == 409
    assert OrdersAgent.ran == []
    assert await waiting(shop) == []


async def test_the_same_decision_again_gets_the_same_reply_and_the_other_one_a_conflict(
    shop: httpx2.AsyncClient,
) -> None:
    (approval,) = (await ask(shop))["approvals"]
    first, again = await decide(shop, approval), await decide(shop, approval)
    assert first.json() == again.json()
    other = await decide(shop, approval, "reject")
    assert (other.status_code, other.json()["type"]) == (409, "urn:problem:approval-decided")
    await ask(shop, "How many moons has Mars?")
    assert (await decide(shop, approval)).json() == first.json()
    assert cancelled() == [7]


async def test_decisions_at_the_same_time_run_it_once(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    verdicts = ["approve", "reject", "approve", "approve", "reject", "approve"]
    answers = await asyncio.gather(*(decide(shop, approval, it) for it in verdicts))
    assert {it.status_code for it in answers} == {200, 409}
    assert len({it.json()["run_id"] for it in answers if it.status_code == 200}) == 1
    assert len(cancelled()) == (answers[0].status_code == 200)


@pytest.mark.slow
async def test_decisions_in_two_processes_at_the_same_time_run_it_once(door: Door, database_url: str) -> None:
    settings = Settings(database_url=database_url)
    one, two = await door.open(settings, AGENTS), await door.open(settings, AGENTS)
    (approval,) = (await ask(one))["approvals"]
    answers = await asyncio.gather(*(decide(it, approval) for it in (one, two) * 4))
    assert {it.status_code for it in answers} == {200}
    assert len({it.json()["run_id"] for it in answers}) == 1
    assert cancelled() == [7]


async def test_nobody_decides_about_what_does_not_wait(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    for answer in (await decide(shop, "0" * 32), await decide(shop, approval, thread="t2")):
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:approval-unknown")
    for refused in (await decide(shop, "x"), await decide(shop, approval, "maybe")):
        assert refused.status_code == 422
    assert OrdersAgent.ran == []


async def test_a_call_that_has_waited_too_long_is_gone(
    door: Door, lines: Lines, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database_url=url, approval_ttl_seconds=60, log_format="json")
    shop = await door.open(settings, AGENTS)
    (approval,) = (await ask(shop))["approvals"]
    monkeypatch.setattr(Approvals, "is_expired", staticmethod(lambda call: True))
    assert await waiting(shop) == []
    answer = await decide(shop, approval)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:problem:approval-expired")
    assert OrdersAgent.ran == []
    tried = {"guard": "approval", "decision": "refused", "because": "expired"}
    assert lines.named("audit")[-1]["decisions"] == [tried]


async def test_the_time_that_a_call_waits_is_the_setting(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database_url="memory://", approval_ttl_seconds=60)
    shop = await door.open(settings, AGENTS)
    monkeypatch.setattr("harness.runtime.approvals.time.time", lambda: 1_000_000.0)
    (approval,) = (await ask(shop))["approvals"]
    assert approval["expires_at"] == "1970-01-12T13:47:40+00:00"
    monkeypatch.setattr("harness.runtime.approvals.time.time", lambda: 1_000_059.0)
    assert await waiting(shop) == [approval["id"]]
    monkeypatch.setattr("harness.runtime.approvals.time.time", lambda: 1_000_060.0)
    assert (await decide(shop, approval)).status_code == 410


async def test_a_message_in_between_withdraws_it_and_says_so(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    reply = await ask(shop, "How many moons has Mars?")
    assert reply["answer"] == "mars has 2 moons."
    assert reply["approvals"] == []
    assert any("no longer waits" in it and "number=7" in it for it in reply["notices"])
    assert (await decide(shop, approval)).status_code == 404
    assert "no longer" not in str((await ask(shop, "How high is Everest?"))["notices"])
    assert OrdersAgent.ran == []


async def test_so_does_a_message_that_is_refused(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    body = {"message": "x" * 5000, "thread_id": "t1"}
    assert (await shop.post("/v1/chat", json=body)).status_code == 422
    assert await waiting(shop) == []
    assert (await decide(shop, approval)).status_code == 404
    assert "no longer waits" in str((await ask(shop, "How many moons has Mars?"))["notices"])
    assert OrdersAgent.ran == []


async def test_a_deleted_conversation_has_nothing_left_to_decide(shop: httpx2.AsyncClient) -> None:
    (approval,) = (await ask(shop))["approvals"]
    await shop.delete("/v1/threads/t1")
    assert (await decide(shop, approval)).status_code == 404
    assert OrdersAgent.ran == []


async def test_two_calls_of_one_message_are_decided_one_by_one(shop: httpx2.AsyncClient) -> None:
    first, second = (await ask(shop, "Cancel orders 7, 8"))["approvals"]
    reply = (await decide(shop, second)).json()
    assert cancelled() == [8]
    assert [it["id"] for it in reply["approvals"]] == [first["id"]] == await waiting(shop)
    assert reply["answer"] == f"{WAITS}\n\nOrder 8 is cancelled."
    reply = (await decide(shop, first, "reject")).json()
    assert reply["answer"].endswith("Order 8 is cancelled.")
    assert "rejected" in reply["answer"]
    assert [it["status"] for it in reply["agents"]] == ["rejected", "answered"]
    assert cancelled() == [8]


@pytest.mark.parametrize("disable_llm", [False, True])
async def test_a_reading_agent_beside_it_answers_at_once(door: Door, disable_llm: bool) -> None:
    settings = Settings(database_url="memory://", disable_llm=disable_llm)
    shop = await door.open(settings, AGENTS)
    reply = await ask(shop, "How many moons has Mars, and cancel order 7")
    assert reply["answer"] == f"mars has 2 moons.\n\n{WAITS}"
    reply = (await decide(shop, reply["approvals"][0])).json()
    assert reply["answer"] == "mars has 2 moons.\n\nOrder 7 is cancelled."
    assert [it["title"] for it in reply["sources"]] == ["Table of moons", "Shop"]
    assert reply["degraded_because"] == (["llm_disabled"] if disable_llm else [])


@pytest.mark.parametrize("disable_llm", [False, True])
async def test_what_its_own_agent_has_read_is_told_at_once(door: Door, disable_llm: bool) -> None:
    settings = Settings(database_url="memory://", disable_llm=disable_llm)
    shop = await door.open(settings, AGENTS)
    reply = await ask(shop, "State of order 7, and cancel it")
    assert reply["answer"] == f"Order 7 is open.\n\n{WAITS}"
    assert [it["status"] for it in reply["agents"]] == ["answered", "waiting"]


async def test_it_is_said_in_the_language_of_the_question(shop_in_memory: httpx2.AsyncClient) -> None:
    reply = await ask(shop_in_memory, "Cancela el pedido 7")
    assert reply["answer"].startswith("Esto espera aprobación; todavía no se ha hecho nada")
    reply = (await decide(shop_in_memory, reply["approvals"][0])).json()
    assert reply["answer"] == "El pedido 7 está cancelled."


async def test_a_stream_ends_with_what_waits(shop: httpx2.AsyncClient) -> None:
    body = {"message": CANCEL, "thread_id": "t1"}
    stream = events((await shop.post("/v1/chat/stream", json=body)).text)
    finished = [data for _, name, data in stream if name == "agent_finished"]
    assert [it["status"] for it in finished] == ["waiting"]
    assert "".join(data["text"] for _, name, data in stream if name == "token") == WAITS
    (approval,) = stream[-1][2]["approvals"]
    assert (await decide(shop, approval)).json()["answer"] == "Order 7 is cancelled."


ANA = NewKey.make("ana", [Scope.CHAT, Scope.THREADS, Scope.APPROVE], None)
ANAS_PROGRAM = NewKey.make("ana", [Scope.CHAT, Scope.THREADS], None)
EVE = NewKey.make("eve", [*Scope], None)


@pytest.fixture
async def guarded(door: Door, url: str, tmp_path: Path) -> httpx2.AsyncClient:
    """The service that knows the callers above."""
    file = tmp_path / "keys.jsonl"
    file.write_text("".join(f"{key.record.line}\n" for key in (ANA, ANAS_PROGRAM, EVE)))
    settings = Settings(database_url=url, authentication="keys", api_keys_file=file)
    return await door.open(settings, AGENTS)


@pytest.mark.checklist("DEF-2")
async def test_who_asks_may_be_barred_from_approving_and_nobody_else_can(guarded: httpx2.AsyncClient) -> None:
    program, person, eve = ({"Authorization": f"Bearer {key.text}"} for key in (ANAS_PROGRAM, ANA, EVE))
    body = {"message": CANCEL, "thread_id": "t1"}
    (approval,) = (await guarded.post("/v1/chat", json=body, headers=program)).json()["approvals"]
    itself = await decide(guarded, approval, headers=program)
    assert (itself.status_code, itself.json()["type"]) == (403, "urn:problem:scope-missing")
    stranger = await decide(guarded, approval, headers=eve)
    assert (stranger.status_code, stranger.json()["type"]) == (404, "urn:problem:approval-unknown")
    assert OrdersAgent.ran == []
    assert (await decide(guarded, approval, headers=person)).status_code == 200
    assert cancelled() == [7]


async def test_each_decision_is_in_the_audit_trail_without_the_arguments(
    shop_in_memory: httpx2.AsyncClient, lines: Lines
) -> None:
    (approval,) = (await ask(shop_in_memory, "Cancel order 7654321"))["approvals"]
    await decide(shop_in_memory, approval, "reject")
    (approval,) = (await ask(shop_in_memory, "Cancel order 7654321"))["approvals"]
    await decide(shop_in_memory, approval)
    await ask(shop_in_memory, "Cancel order 7654321")
    await ask(shop_in_memory, "How many moons has Mars?")
    decisions = [it["decision"] for line in lines.named("audit") for it in line["decisions"]]
    assert decisions == ["waiting", "rejected", "waiting", "approved", "waiting", "withdrawn"]
    assert {it["because"] for line in lines.named("audit") for it in line["decisions"]} == {"orders.cancel"}
    assert "7654321" not in lines.text


async def test_a_decision_beyond_the_quota_is_not_taken(door: Door) -> None:
    settings = Settings(database_url="memory://", quota_thread_day_messages=1)
    shop = await door.open(settings, AGENTS)
    (approval,) = (await ask(shop))["approvals"]
    assert (await decide(shop, approval)).status_code == 429
    assert OrdersAgent.ran == []
    assert await waiting(shop) == [approval["id"]]
