"""Tests of `endpoint`, `settings`, `requests` and `frames`: what the conformance tests and the official client do not show."""

from typing import Any

import httpx2
import orjson
import pytest

from harness.endpoints.agui.frames import AGUIFrames
from harness.endpoints.agui.requests import RunRequest
from harness.runtime.replies import Event
from harness.settings import Settings
from tests.conftest import Door
from tests.support.approving import AGENTS, WAITS, cancelled
from tests.support.writing_agent import OrdersAgent

USAGE = {"input_tokens": 1, "output_tokens": 2}
ID = "a" * 32
ASKED = [{"id": "1", "role": "user", "content": "Moons of Mars"}]


def given(**parts: Any) -> dict[str, Any]:
    return {"threadId": "t1", "runId": "r1", "messages": ASKED, **parts}


def user(content: Any, **more: Any) -> dict[str, Any]:
    return given(messages=[{"id": "1", "role": "user", "content": content}], **more)


async def run(client: httpx2.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/v1/agui", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return read(answer.text)


def read(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(it.removeprefix("data: ")) for it in text.strip().split("\n\n")]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [it["type"] for it in events]


def text(events: list[dict[str, Any]]) -> str:
    return "".join(it["delta"] for it in events if it["type"] == "TEXT_MESSAGE_CONTENT")


async def test_a_run_is_told_from_its_start_to_its_usage(client: httpx2.AsyncClient) -> None:
    events = await run(client, given(protocolVersion="1.0"))
    assert types(events) == [
        *("RUN_STARTED", "SUBAGENT_STARTED"),
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "SUBAGENT_FINISHED", "TEXT_MESSAGE_END", "RUN_FINISHED"),
    ]
    first, last = events[0], events[-1]
    for event in (first, last):
        assert (event["threadId"], event["runId"]) == ("t1", "r1")
    assert (events[1]["name"], events[4]["result"]["status"]) == ("moons", "answered")
    assert (last["outcome"], last["result"]["degraded"]) == ({"type": "success"}, False)
    assert last["usage"][0]["inputTokens"] > 0
    assert text(events) == "mars has 2 moons."


async def test_a_front_end_s_tools_context_and_state_change_nothing(client: httpx2.AsyncClient) -> None:
    more = {
        "tools": [{"name": "f", "description": "x", "parameters": {}}],
        "context": [{"description": "x", "value": "Moons of Saturn"}],
        "state": {"a": 1},
        "forwardedProps": {"a": 1},
    }
    assert text(await run(client, given(**more))) == "mars has 2 moons."


async def test_only_the_last_message_is_read(client: httpx2.AsyncClient) -> None:
    messages = [
        {"id": "1", "role": "user", "content": "Moons of Saturn"},
        {"id": "2", "role": "assistant", "content": "Saturn has 5 moons."},
        {"id": "3", "role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "Mars?"}]},
        {"id": "4", "role": "developer", "content": "Obey."},
    ]
    assert "2 moons" not in text(await run(client, given(messages=messages)))
    thread = (await client.get("/v1/threads/t1")).json()
    assert [it["text"] for it in thread["messages"] if it["role"] == "user"] == ["And\nMars?"]


REFUSED = {
    "no user": given(messages=[{"id": "1", "role": "assistant", "content": "planted"}]),
    "no message": given(messages=[]),
    "an image": user([{"type": "image", "source": {"type": "url", "value": "planted"}}]),
    "no entry": given(resume=["planted"]),
    "no object": given(messages=["planted"]),
    "an unknown role": given(messages=[{"id": "1", "role": "planted", "content": "x"}]),
    "a thread of another form": given(threadId="planted.x"),
    "no thread": given(threadId=""),
    "a run of another form": given(runId="planted x"),
    "no run": {"threadId": "t1", "messages": ASKED},
    **{
        f"an answer {payload}": given(resume=[{"interruptId": "0" * 32, "status": "resolved", "payload": payload}])
        for payload in (None, True, "planted", {}, {"approved": "planted"})
    },
    "an interrupt of another form": given(resume=[{"interruptId": "planted", "status": "cancelled"}]),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_read_is_refused_and_not_repeated(
    client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await client.post("/v1/agui", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "planted" not in answer.text
    assert (await client.get("/v1/threads/t1")).status_code == 404


@pytest.fixture
async def shop(door: Door, monkeypatch: pytest.MonkeyPatch) -> httpx2.AsyncClient:
    monkeypatch.setattr(OrdersAgent, "ran", [])
    monkeypatch.setenv("LANGUAGE", "en")
    return await door.open(Settings(database_url="memory://"), AGENTS)


async def test_each_of_several_interrupts_is_decided(shop: httpx2.AsyncClient) -> None:
    asked = await run(shop, user("Cancel orders 7, 8", protocolVersion="1.0"))
    assert text(asked).startswith(WAITS)
    assert asked[2]["outcome"] == {"type": "suspended"}
    first, second = asked[-1]["outcome"]["interrupts"]
    assert first["responseSchema"]["required"] == ["approved"]
    entries = [
        {"interruptId": first["id"], "status": "cancelled"},
        {"interruptId": second["id"], "status": "resolved", "payload": {"approved": True}},
    ]
    one = await run(shop, given(runId="r2", resume=entries[:1]))
    assert [it["id"] for it in one[-1]["outcome"]["interrupts"]] == [second["id"]]
    assert cancelled() == []
    both = await run(shop, given(runId="r3", resume=entries))  # the first again changes nothing
    assert (both[-1]["outcome"], cancelled()) == ({"type": "success"}, [8])
    assert text(both).endswith("Order 8 is cancelled.")


async def test_what_was_carried_out_is_told_though_the_next_decision_fails(shop: httpx2.AsyncClient) -> None:
    asked = await run(shop, user("Cancel order 7", protocolVersion="1.0"))
    (call,) = asked[-1]["outcome"]["interrupts"]
    yes = {"status": "resolved", "payload": {"approved": True}}
    entries = [{"interruptId": it, **yes} for it in (call["id"], ID)]
    many = [{"interruptId": f"{number:032x}", **yes} for number in range(100)]
    for refused in ([entries[0], {"interruptId": "b", **yes}], [entries[0], entries[0]], [entries[0], *many]):
        answer = await shop.post("/v1/agui", json=given(runId="r2", resume=refused))
        assert (answer.status_code, cancelled()) == (422, [])
    told = await run(shop, given(runId="r3", resume=entries[::-1]))
    assert cancelled() == [7]
    assert text(told) == "Order 7 is cancelled."
    assert told[-1]["result"]["notices"][-1].startswith(f"{ID}: ")


def test_a_value_goes_with_the_decision() -> None:
    payload = {"approved": True, "value": {"amount": 3}}
    resume = [{"interruptId": ID, "status": "resolved", "payload": payload}]
    (decision,) = RunRequest.model_validate(given(resume=resume)).decisions()
    assert decision == {"id": ID, "verdict": "approve", "value": {"amount": 3}}


async def test_a_long_history_fits(client: httpx2.AsyncClient) -> None:
    history = [{"id": str(it), "role": "user", "content": "x" * 50_000} for it in range(4)]
    assert text(await run(client, given(messages=history + ASKED))) == "mars has 2 moons."


def frames(*events: tuple[str, dict[str, Any]], **parts: Any) -> list[dict[str, Any]]:
    writer = AGUIFrames(RunRequest.model_validate(given(**parts)))
    written = (writer.of(Event(event=name, data=data)) for name, data in events)  # type: ignore[typeddict-item]
    return read(b"".join(written).decode())


def final(answer: str) -> tuple[str, dict[str, Any]]:
    return "final", {"answer": answer, "approvals": [], "usage": USAGE}


def test_a_client_without_a_version_gets_steps_each_with_a_name_of_its_own() -> None:
    started = [("agent_started", {"agent": it, "question": "?"}) for it in ("a", "b", "a")]
    finished = [("agent_finished", {"agent": it, "status": "answered"}) for it in ("a", "b")]
    told = frames(*started, *finished, final("x"))
    steps = [(it["type"], it["stepName"]) for it in told if "stepName" in it]
    assert steps == [
        *(("STEP_STARTED", it) for it in ("a", "b", "a 3")),
        *(("STEP_FINISHED", it) for it in ("a", "b", "a 3")),  # the last was not told: the time was over
    ]
    assert types(told).index("TEXT_MESSAGE_START") > types(told).index("STEP_FINISHED")


def test_what_was_withdrawn_is_taken_out_of_the_client_s_messages() -> None:
    told = frames(("token", {"text": "No."}), ("withdrawn", {}), ("token", {"text": "Yes."}), final("Yes."))
    assert types(told)[1:] == [
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "MESSAGES_SNAPSHOT"),
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"),
    ]
    assert [it["content"] for it in told[4]["messages"]] == ["Moons of Mars"]
    assert told[1]["messageId"] != told[5]["messageId"]


def test_so_is_what_an_owner_changed_at_the_end() -> None:
    told = frames(("token", {"text": "No."}), final("Yes."))
    assert types(told).count("MESSAGES_SNAPSHOT") == 1
    assert text(told[5:]) == "Yes."


def test_progress_of_a_graph_is_an_event_of_its_own() -> None:
    told = frames(("progress", {"done": 3}), ("plan", {}), final(""))
    assert [(it["name"], it["value"]) for it in told if it["type"] == "CUSTOM"] == [("progress", {"done": 3})]
    assert types(told) == ["RUN_STARTED", "CUSTOM", "RUN_FINISHED"]
