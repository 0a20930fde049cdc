"""What waits, as an answer says it and as a thread holds it."""

import json
from typing import Any

import pytest

from app.graph.approvals import Approvals, Waiting
from app.graph.service import Service
from app.graph.state import Task
from app.guardrails.approval import WritingCall
from app.guardrails.outbound import Outgoing
from app.guardrails.personal_policy import PersonalPolicy
from app.persistence.conversation import PUBLIC, Conversation
from app.persistence.memory import MemoryStore
from app.settings import Settings
from tests.graph.scripted import NO_LEAKS
from tests.writing_agent import OrdersAgent

NO_MAIL = Outgoing(NO_LEAKS.leaks, PersonalPolicy("email:refuse"))
T = Conversation("t", PUBLIC)
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
    call = WritingCall("orders", "send", arguments)
    outcome = Waiting(settings, NO_MAIL).outcome(TASK, call, "en")
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
        calls = approvals.held(found)
        assert list(calls) == await approvals.open(T, found)
        return [call["arguments"]["number"] for call in calls]

    assert await held() == []
    await service.ask("Cancel orders 7, 8", T)
    assert await held() == [7, 8]
    await service.ask("State of order 7", T)
    assert await held() == []
    await service.aclose()
