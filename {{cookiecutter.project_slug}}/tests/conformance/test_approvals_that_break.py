"""A decision whose run breaks, ends or loses its store: the call ran once at most, and nobody is told otherwise."""

import asyncio
from contextlib import nullcontext
from typing import Any

import httpx2
import pytest

from harness.errors import ClarificationNeeded, SourceUnavailable, StoreUnavailable
from harness.run_context import RunContext
from harness.runtime.approvals import ApprovalNode, Approvals
from harness.runtime.proposals import Proposals
from harness.runtime.sessions import Sessions
from harness.runtime.writer import OutputGuardNode
from harness.settings import Settings
from harness.storage.store import IdempotencyRecord
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.conftest import Door
from tests.support.approving import AGENTS, ask, cancelled, decide, waiting
from tests.support.writing_agent import OrdersAgent

CALL = ("orders", "cancel", {"number": 7, "reason": "none"})

pytestmark = pytest.mark.usefixtures("no_order_has_run")

PATIENCE_SECONDS = 30
"""On a busy machine."""


async def end_in_the_tool(shop: httpx2.AsyncClient, approval: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Approve, and leave while the tool runs."""
    entered = asyncio.Event()

    async def endless() -> None:
        entered.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(OrdersAgent, "meanwhile", endless)
        deciding = asyncio.create_task(decide(shop, approval))
        await asyncio.wait_for(entered.wait(), PATIENCE_SECONDS)
        deciding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deciding


@pytest.mark.parametrize("url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
async def test_what_waits_outlives_the_process(url: str) -> None:
    before, after = Door(), Door()
    (approval,) = (await ask(await before.open(Settings(database_url=url), AGENTS)))["approvals"]
    await before.close()
    shop = await after.open(Settings(database_url=url), AGENTS)
    assert await waiting(shop) == [approval["id"]]
    reply = (await decide(shop, approval)).json()
    await after.close()
    assert reply["answer"] == "Order 7 is cancelled."
    assert cancelled() == [7]


async def test_a_decision_that_was_taken_is_never_carried_out_again(door: Door, shop: httpx2.AsyncClient) -> None:
    """As a process leaves it that ends between the mark and the tool, or in the tool."""
    (approval,) = (await ask(shop))["approvals"]
    key = Approvals.key(ThreadRef("t1", PUBLIC), approval["id"])
    mark = IdempotencyRecord(key, "t1", request="of before", reply="", expires_at=2**40)
    assert await door.running.store.claim(mark, Proposals.fingerprint(PUBLIC, *CALL))
    for decision in ("approve", "reject", "approve"):
        answer = await decide(shop, approval, decision)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:approval-decided")
    assert await waiting(shop) == []
    assert OrdersAgent.ran == []


async def test_a_run_that_ends_in_its_tool_is_not_repeated(
    shop: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (approval,) = (await ask(shop))["approvals"]
    await end_in_the_tool(shop, approval, monkeypatch)
    assert (await decide(shop, approval)).status_code == 409
    assert await waiting(shop) == []
    assert (await ask(shop, "How many moons has Mars?"))["answer"] == "mars has 2 moons."
    assert cancelled() == [7]


class Failures:
    """What happens to a tool that has begun, and what is said of it."""

    UNCONFIRMED = "begun, but not confirmed"

    @staticmethod
    async def unavailable() -> None:
        raise SourceUnavailable("shop", "planted")

    @staticmethod
    async def bug() -> None:
        raise RuntimeError("planted")

    @staticmethod
    async def cancelled() -> None:
        raise asyncio.CancelledError

    @staticmethod
    async def endless() -> None:
        await asyncio.Event().wait()

    @staticmethod
    async def refusal() -> None:
        raise ClarificationNeeded("Order 7 has left already. Send it back?")


@pytest.mark.parametrize(
    ("meanwhile", "text", "because"),
    [
        (Failures.unavailable, Failures.UNCONFIRMED, ["source_unavailable"]),
        (Failures.bug, Failures.UNCONFIRMED, ["agent_failed"]),
        (Failures.cancelled, Failures.UNCONFIRMED, ["agent_failed"]),
        (Failures.endless, Failures.UNCONFIRMED, ["out_of_time"]),
        (Failures.refusal, "Send it back?", []),
    ],
)
async def test_a_tool_that_fails_after_it_has_begun_is_not_told_as_done_nor_as_undone(
    door: Door, monkeypatch: pytest.MonkeyPatch, meanwhile: Any, text: str, because: list[str]
) -> None:
    settings = Settings(database_url="memory://", request_timeout_seconds=1)
    shop = await door.open(settings, AGENTS)
    (approval,) = (await ask(shop))["approvals"]
    monkeypatch.setattr(OrdersAgent, "meanwhile", meanwhile)
    reply = (await decide(shop, approval)).json()
    assert text in reply["answer"]
    assert reply["degraded_because"] == because
    assert (await decide(shop, approval)).json() == reply
    assert cancelled() == [7]


async def test_a_tool_that_cannot_begin_is_told_as_undone(shop_in_memory: httpx2.AsyncClient, door: Door) -> None:
    (approval,) = (await ask(shop_in_memory))["approvals"]
    (orders,) = [it for it in door.running.service.agents if it.name == "orders"]
    orders.toolset = [tool for tool in orders.toolset if tool.name != "cancel"]  # a new version
    reply = (await decide(shop_in_memory, approval)).json()
    assert "nothing was done: orders.cancel(number=7" in reply["answer"]
    assert reply["degraded_because"] == ["agent_failed"]


async def test_while_the_store_is_away_nothing_is_carried_out(
    shop_in_memory: httpx2.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(kept: IdempotencyRecord, shown: str) -> bool:
        raise StoreUnavailable("planted")

    (approval,) = (await ask(shop_in_memory))["approvals"]
    with monkeypatch.context() as patch:
        patch.setattr(door.running.store, "claim", away)
        assert (await decide(shop_in_memory, approval)).status_code == 503
    assert OrdersAgent.ran == []
    assert (await decide(shop_in_memory, approval)).status_code == 200


async def test_a_run_that_ended_in_its_tool_leaves_the_other_call_to_be_decided(
    shop: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (await ask(shop, "Cancel orders 7, 8"))["approvals"]
    await end_in_the_tool(shop, first, monkeypatch)
    assert await waiting(shop) == [second["id"]]
    reply = (await decide(shop, second)).json()
    lost, done = reply["answer"].split("\n\n")
    assert lost.startswith("This was decided before, and its end is not known")
    assert done == "Order 8 is cancelled."
    assert reply["approvals"] == []
    assert cancelled() == [7, 8]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_a_run_that_breaks_hands_its_decision_to_no_other_one(
    shop: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    """Earned by LangGraph, which resumes a node that broke with the decision of before."""

    async def broken(*_: Any) -> None:
        raise RuntimeError("planted")

    first, second = (await ask(shop, "Cancel orders 7, 8"))["approvals"]
    with monkeypatch.context() as patch:
        patch.setattr(ApprovalNode, "_run", broken)
        assert (await decide(shop, first)).status_code == 500
    reply = (await decide(shop, second, verdict)).json()
    assert cancelled() == ([8] if verdict == "approve" else [])
    assert reply["approvals"] == [] == await waiting(shop)
    assert (await decide(shop, first)).status_code == 409


async def test_a_decision_whose_last_step_never_ends_is_answered_for_at_the_deadline(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await door.open(Settings(database_url="memory://", request_timeout_seconds=1), AGENTS)
    (approval,) = (await ask(shop))["approvals"]

    async def endless(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(OutputGuardNode, "__call__", endless)
    async with asyncio.timeout(PATIENCE_SECONDS):
        reply = (await decide(shop, approval)).json()
    assert {"out_of_time", "not_saved"} <= {*reply["degraded_because"]}
    assert Failures.UNCONFIRMED in reply["answer"]
    assert cancelled() == [7]


async def test_an_approved_call_counts_among_the_runs_tool_calls(
    shop_in_memory: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []

    async def look() -> None:
        used.extend(it.tool_calls for it in RunContext.current().budgets)

    (approval,) = (await ask(shop_in_memory))["approvals"]
    monkeypatch.setattr(OrdersAgent, "meanwhile", look)
    await decide(shop_in_memory, approval)
    assert used == [1]


async def test_a_decision_under_way_ends_with_the_process(
    door: Door, shop_in_memory: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (approval,) = (await ask(shop_in_memory))["approvals"]

    async def end() -> None:
        door.running.shutdown.cancel_all()
        await asyncio.sleep(PATIENCE_SECONDS)

    monkeypatch.setattr(OrdersAgent, "meanwhile", end)
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        answer = await decide(shop_in_memory, approval)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:shutting-down")
    assert cancelled() == [7]


async def test_of_two_decisions_that_no_lock_keeps_apart_one_is_carried_out(
    door: Door, shop: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in two processes while the locks of the store are away: what the store claims is the last barrier."""
    (approval,) = (await ask(shop))["approvals"]
    monkeypatch.setattr(type(door.running.store), "lock", lambda *_: nullcontext())
    load, loaded = Sessions._load, asyncio.Barrier(2)

    async def load_both(*of: Any) -> None:
        await load(*of)
        await loaded.wait()  # each has seen that nothing is decided yet

    monkeypatch.setattr(Sessions, "_load", load_both)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answers = await asyncio.gather(decide(shop, approval), decide(shop, approval))
    assert sorted(it.status_code for it in answers) == [200, 409]
    assert cancelled() == [7]
