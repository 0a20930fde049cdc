"""What waits, as an answer says it and as a thread holds it."""

import json
from typing import Any

import pytest

from harness.guards.approval import PendingToolCall
from harness.guards.output import OutputPolicy
from harness.guards.personal_data import PiiRules
from harness.runtime.approvals import Approvals, PendingApprovals
from harness.runtime.state import Task
from harness.service import Service
from harness.settings import Settings
from harness.storage.memory import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.harness.runtime.scripted import NO_LEAKS
from tests.support.writing_agent import OrdersAgent

NO_MAIL = OutputPolicy(NO_LEAKS.leaks, PiiRules("email:refuse"))
T = ThreadRef("t", PUBLIC)
TASK = Task(agent="orders", question="Write to ana@shop.example")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"number": 7, "note": 'say "ñ"'}, 'orders.send(number=7, note="say \\"ñ\\"")'),
        ({"to": "ana@shop.example"}, 'orders.send(to="ana@shop.example")'),
        ({"to": "eve@evil.example"}, "orders.send"),
        ({}, "orders.send()"),
    ],
)
def test_a_call_is_said_with_its_arguments_unless_no_answer_may_hold_them(
    settings: Settings, arguments: dict[str, Any], shown: str
) -> None:
    call = PendingToolCall("orders", "send", arguments)
    outcome = PendingApprovals(settings, NO_MAIL).outcome(TASK, call, "en")
    assert outcome["status"] == "waiting"
    assert outcome["text"].endswith(f": {shown}")
    assert outcome["call"]["arguments"] == arguments
    json.dumps(outcome)  # as a checkpoint of today is read by the version of tomorrow


async def test_a_thread_holds_its_calls_until_the_next_message(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings, [OrdersAgent], store)
    approvals = Approvals(store)

    async def held() -> list[int]:
        found = await store.saver.aget_tuple({"configurable": {"thread_id": T.key}})
        calls = approvals.pending(found)
        assert list(calls) == await approvals.open(T, found)
        return [call["arguments"]["number"] for call in calls]

    assert await held() == []
    await service.ask("Cancel orders 7, 8", T)
    assert await held() == [7, 8]
    await service.ask("State of order 7", T)
    assert await held() == []
    await service.aclose()
