"""What an endpoint may do with conversations, and for which callers."""

from typing import Any

import httpx2
import pytest

from harness.auth.principal import Principal, Scope
from harness.errors import AgentUnknown, ApprovalUnknown, InputRefused, ScopeMissing
from harness.http.gateway import Gateway
from harness.runtime.access import Access
from harness.runtime.state import Decision
from tests.conftest import Door

ANA = Principal.from_key("ana", Scope)
EVE = Principal.from_key("eve", Scope)
QUESTION = "How many moons has Mars?"
DECISION = Decision(id="0" * 32, verdict="approve")

ENDPOINTS = Access.endpoints()

pytestmark = pytest.mark.checklist("INT-3")


@pytest.fixture
def own(client: httpx2.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Of an endpoint that keeps records."""
    access = Access(frozenset({"records"}), frozenset({"message", "records"}))
    monkeypatch.setattr(Access, "endpoints", lambda: {"own": access, **ENDPOINTS})
    return door.running.gateway("own")


@pytest.fixture
def v1(client: httpx2.AsyncClient, door: Door) -> Gateway:
    return door.running.gateway("v1")


async def test_an_endpoint_that_is_not_granted_it_gets_nothing(own: Gateway) -> None:
    with pytest.raises(PermissionError, match="endpoint own reads no history: grant it in its access.toml"):
        await own.read(ANA, "t1")
    with pytest.raises(PermissionError, match="writes no history"):
        await own.delete(ANA, "t1")
    with pytest.raises(PermissionError, match="reads no memories"):
        own.memories(ANA, "reads")
    with pytest.raises(PermissionError, match="writes no feedback"):
        await own.rate(ANA, "r1", "up", None)


async def test_an_endpoint_without_a_row_has_no_way(client: httpx2.AsyncClient, door: Door) -> None:
    with pytest.raises(KeyError):
        door.running.gateway("smtp")


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_a_caller_needs_the_scope_of_what_is_touched(client: httpx2.AsyncClient, door: Door, name: str) -> None:
    gateway, granted = door.running.gateway(name), ENDPOINTS[name]
    talker = Principal.from_key("talker", [Scope.CHAT])
    nobody = Principal.from_key("nobody", [])
    calls: list[tuple[str, str, Principal, Any]] = [
        ("writes", "message", nobody, lambda: gateway.ask(nobody, QUESTION)),
        ("writes", "decision", talker, lambda: gateway.decide(talker, DECISION, "t1")),
        ("reads", "history", talker, lambda: gateway.read(talker, "t1")),
        ("writes", "history", talker, lambda: gateway.delete(talker, "t1")),
    ]
    for way, part, _, call in calls:
        with pytest.raises(ScopeMissing if part in getattr(granted, way) else PermissionError):
            await call()


async def test_a_thread_is_always_the_callers_own(v1: Gateway) -> None:
    reply = await v1.ask(ANA, QUESTION, "t1")
    assert reply.answer == "mars has 2 moons."
    assert (await v1.read(ANA, "t1")).messages[0].text == QUESTION
    await v1.ask(EVE, "How high is Everest?", "t1")
    assert [it.text for it in (await v1.read(ANA, "t1")).messages if it.role == "user"] == [QUESTION]
    with pytest.raises(ApprovalUnknown):
        await v1.decide(EVE, DECISION, "t1")


@pytest.mark.parametrize(
    ("message", "thread_id", "key"),
    [("a\0b", "t1", None), (" ", "t1", None), (QUESTION, "t 1", None), (QUESTION, "t1\n", None), (QUESTION, "t", "ñ")],
)
async def test_texts_have_the_same_form_at_every_endpoint(own: Gateway, message: str, thread_id: str, key: str) -> None:
    with pytest.raises(InputRefused):
        await own.ask(ANA, message, thread_id, idempotency_key=key)
    with pytest.raises(InputRefused):
        own.stream(ANA, message, thread_id, idempotency_key=key)


async def test_a_second_try_has_the_same_new_thread_and_the_same_reply(own: Gateway) -> None:
    first = await own.ask(ANA, QUESTION, idempotency_key="k1")
    assert await own.ask(ANA, QUESTION, idempotency_key="k1") == first
    async with own.stream(ANA, QUESTION, idempotency_key="k1") as run:
        assert [event["event"] async for event in run] == ["final"]


async def test_one_agent_is_asked_by_itself(own: Gateway) -> None:
    assert (await own.ask(ANA, "How high is Everest?", only="heights")).answer == "everest is 8849 m high."
    with pytest.raises(AgentUnknown):
        await own.ask(ANA, QUESTION, only="tides")


async def test_records_are_the_callers_and_go_with_the_thread(own: Gateway, v1: Gateway) -> None:
    await own.ask(ANA, QUESTION, "t1")
    records = own.records(ANA)
    for thread_id in ("t1", "refused"):
        assert await records.save(records.new(thread_id, thread_id, "{}"))
    assert await own.records(EVE).list(9) == []
    assert [it.key for it in await records.list(9)] == ["refused", "t1"]
    await v1.delete(ANA, "t1")
    assert await records.find("t1") is None
    with pytest.raises(PermissionError):
        v1.records(ANA)
    await records.delete("refused")
    assert await records.list(9) == []
