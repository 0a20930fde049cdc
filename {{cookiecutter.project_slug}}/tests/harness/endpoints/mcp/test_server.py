"""The official client, in both eras, at two processes that take its requests in turn. Tests of `server` and `tools`."""

import json
from typing import Any

import mcp_types as types
import pytest
from mcp import MCPError

from tests.support.callers import EVE, TALKER

from .conftest import ERAS, Site

pytestmark = pytest.mark.checklist("INT-1")

QUESTION = {"message": "How many moons has Mars?"}
CANCEL = {"message": "Cancel order 7"}
WAITS = 'This waits for approval; nothing has been done yet: orders.cancel(number=7, reason="none")'


def text(result: types.CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


def problem(result: types.CallToolResult) -> str:
    assert result.is_error
    return str((result.meta or {})["harness/problem"])


def says(action: str, approve: bool | None = None) -> Any:
    """A person at the client."""
    asked: list[str] = []

    async def answer(_: Any, params: Any) -> types.ElicitResult:
        asked.append(params.message)
        content = None if approve is None else {"approve": approve}
        return types.ElicitResult(action=action, content=content)

    return answer, asked


async def test_tools_are_listed_as_they_are(site: Site, era: str) -> None:
    async with site.connect(mode=era) as client:
        assert client.protocol_version == next(it for it, mode in ERAS.items() if mode == era)
        tools = {it.name: it for it in (await client.list_tools()).tools}
    assert set(tools) >= {"ask", "ask_moons", "ask_orders"}
    moons, orders = tools["ask_moons"], tools["ask_orders"]
    assert moons.description == "Moons of a planet. Such as: How many moons has Mars?; Moons of Saturn"
    assert [bool(it.annotations and it.annotations.read_only_hint) for it in (moons, orders)] == [True, False]
    assert moons.input_schema["properties"]["message"]["maxLength"] == 4000
    assert moons.input_schema["additionalProperties"] is False


async def test_a_conversation_goes_on_with_progress(site: Site, era: str) -> None:
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        told.append((progress, message))

    async with site.connect(mode=era) as client:
        first = await client.call_tool("ask", QUESTION, progress_callback=note)
        assert text(first) == "mars has 2 moons."
        thread_id = first.structured_content["thread_id"]
        again = await client.call_tool("ask_moons", {"message": "And Saturn?", "thread_id": thread_id})
        assert text(again) == "saturn has 146 moons."
        assert again.structured_content["thread_id"] == thread_id
    assert told == [(1, "plan"), (2, "agent started moons"), (3, "agent finished moons answered")]


async def test_a_tool_asks_its_agent_alone(site: Site, era: str) -> None:
    async with site.connect(mode=era) as client:
        result = await client.call_tool("ask_heights", QUESTION)
    assert [it["name"] for it in result.structured_content["agents"]] == ["heights"]


async def test_errors_are_the_model_s_to_read_and_name_the_problem(site: Site, era: str) -> None:
    async with site.connect(mode=era) as client:
        refused: list[tuple[dict[str, Any], str]] = [
            ({"message": "x" * 5000}, "MESSAGE_MAX_CHARS"),
            ({"message": 7}, "message: Input should be a valid string"),
            ({"message": "a", "thread_id": "a.b"}, "thread_id: It must be 1 to 64 letters"),
            ({"message": "a", "more": 1}, "more: This field is not known here"),
            ({}, "message: Field required"),
        ]
        for arguments, about in refused:
            result = await client.call_tool("ask", arguments)
            assert problem(result) == "input-refused"
            assert about in text(result)
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("ask_nobody", QUESTION)
        assert unknown.value.code == types.INVALID_PARAMS
        with pytest.raises(MCPError, match="too large"):
            await client.call_tool("ask", {"message": "x" * 90_000})


async def test_a_caller_is_told_apart_from_another(site: Site, era: str) -> None:
    async with site.connect(mode=era) as client:
        await client.call_tool("ask", QUESTION | {"thread_id": "mine"})
    async with site.connect(EVE, era) as client:
        other = await client.call_tool("ask", {"message": "And Saturn?", "thread_id": "mine"})
    assert "146" not in text(other)


APPROVAL = {
    "accepted": (("accept", True), "Order 7 is cancelled."),
    "accepted without the tick": (("accept", False), "This was rejected and not done"),
    "declined": (("decline", None), "This was rejected and not done"),
}


@pytest.mark.parametrize(("answer", "said"), APPROVAL.values(), ids=APPROVAL)
async def test_a_person_at_the_client_decides(site: Site, answer: tuple[str, bool | None], said: str) -> None:
    callback, asked = says(*answer)
    async with site.connect(mode="auto", elicitation_callback=callback) as client:
        result = await client.call_tool("ask_orders", CANCEL)
    assert asked == ['Approve this call? orders.cancel({"number": 7, "reason": "none"})']
    assert text(result).startswith(said)
    assert result.structured_content["approvals"] == []


async def test_a_form_that_is_closed_leaves_the_call_waiting(site: Site) -> None:
    callback, asked = says("cancel")
    async with site.connect(mode="auto", elicitation_callback=callback) as client:
        result = await client.call_tool("ask_orders", CANCEL | {"thread_id": "closed"})
    assert len(asked) == 1
    assert result.is_error
    assert "still waits for approval" in text(result)
    async with site.http() as http:
        (call,) = (await http.get("/v1/threads/closed")).json()["approvals"]
        decided = await http.post(f"/v1/threads/closed/approvals/{call['id']}", json={"decision": "approve"})
    assert decided.json()["answer"] == "Order 7 is cancelled."


async def test_who_may_not_approve_is_not_asked(site: Site, era: str) -> None:
    callback, asked = says("accept", True)
    async with site.connect(TALKER, era, elicitation_callback=callback) as client:
        result = await client.call_tool("ask_orders", CANCEL)
    assert not asked
    assert text(result) == WAITS
    more = result.content[1]
    assert isinstance(more, types.TextContent)
    (call,) = result.structured_content["approvals"]
    assert "by POST http://" in more.text
    assert f"/approvals/{call['id']}" in more.text


async def test_a_client_without_forms_is_told_that_the_call_waits(site: Site, era: str) -> None:
    async with site.connect(mode=era) as client:
        assert text(await client.call_tool("ask_orders", CANCEL)) == WAITS


async def test_a_state_that_we_did_not_send_is_refused(site: Site) -> None:
    accepted = types.ElicitResult(action="accept", content={"approve": True})
    unknown = json.dumps({"id": "0" * 32, "thread_id": "t1"})
    async with site.connect(mode="auto") as client:
        for state, code in [
            ("not JSON", "input-refused"),
            ("[]", "input-refused"),
            ('{"id": 7, "thread_id": "t1"}', "input-refused"),
            (unknown, "approval-unknown"),
        ]:
            result = await client.call_tool(
                "ask_orders", CANCEL, request_state=state, input_responses={"decision": accepted}
            )
            assert problem(result) == code, state
        result = await client.call_tool("ask_orders", CANCEL, request_state=unknown)
        assert problem(result) == "input-refused"  # nothing was asked anew
    async with site.connect(TALKER, mode="auto") as client:
        result = await client.call_tool(
            "ask_orders", CANCEL, request_state=unknown, input_responses={"decision": accepted}
        )
        assert problem(result) == "scope-missing"
