"""An approval lets one call run, once, and nothing else."""

import asyncio
from datetime import date

import pytest

from harness.errors import ApprovalNeeded, PolicyViolation
from harness.guards.leaks import Leaks
from harness.guards.tool_policy import Approval, ApprovalGate, PendingToolCall
from harness.run_context import RunContext
from harness.telemetry.redaction import Redactor

CALL = PendingToolCall("orders", "cancel", {"number": 7})
NO_LEAKS = Leaks([], Redactor())


def demand(call: PendingToolCall = CALL) -> None:
    ApprovalGate.check(call.agent, call.tool, call.arguments)


def test_where_nobody_can_be_asked_nothing_that_writes_runs() -> None:
    with pytest.raises(PolicyViolation) as refused:
        demand()
    assert refused.value.kind == "approval"


def test_what_is_asked_for_is_proposed_and_does_not_run() -> None:
    gate = ApprovalGate(NO_LEAKS, 100)
    with RunContext.scope(gate=gate):
        for _ in range(2):
            with pytest.raises(ApprovalNeeded):
                demand()
    assert gate.calls == [CALL]


async def test_what_the_tasks_of_an_agent_ask_for_is_collected_too() -> None:
    async def ask(number: int) -> None:
        with pytest.raises(ApprovalNeeded):
            demand(PendingToolCall("orders", "cancel", {"number": number}))

    gate = ApprovalGate(NO_LEAKS, 100)
    with RunContext.scope(gate=gate):
        await asyncio.gather(ask(1), ask(2))
    assert [call.arguments["number"] for call in gate.calls] == [1, 2]


def test_arguments_are_kept_as_json_values() -> None:
    gate = ApprovalGate(NO_LEAKS, 100)
    with RunContext.scope(gate=gate), pytest.raises(ApprovalNeeded):
        ApprovalGate.check("orders", "cancel", {"on": date(2026, 1, 2), "of": (1, 2)})
    assert gate.calls[0].arguments == {"on": "2026-01-02", "of": [1, 2]}


def test_an_approved_call_runs_once() -> None:
    approval = Approval("id", CALL)
    with RunContext.scope(approval=approval):
        used = [approval.is_used]
        demand()
        used.append(approval.is_used)
        with pytest.raises(PolicyViolation):
            demand()
    assert used == [False, True]
    with pytest.raises(PolicyViolation):
        demand()


@pytest.mark.parametrize(
    "other",
    [
        PendingToolCall("orders", "cancel", {"number": 8}),
        PendingToolCall("orders", "cancel", {"number": 7, "all": True}),
        PendingToolCall("orders", "refund", {"number": 7}),
        PendingToolCall("shop", "cancel", {"number": 7}),
    ],
)
def test_an_approval_is_for_nothing_but_its_call(other: PendingToolCall) -> None:
    approval = Approval("id", CALL)
    with RunContext.scope(approval=approval):
        with pytest.raises(PolicyViolation):  # nor may what was approved ask for more
            demand(other)
        assert not approval.is_used


@pytest.mark.parametrize("other", [PendingToolCall("orders", "cancel", {"number": 8})])
def test_while_a_graph_goes_on_after_an_approval_its_next_call_waits(other: PendingToolCall) -> None:
    approval = Approval("id", CALL)
    gate = ApprovalGate(NO_LEAKS, 100)
    with RunContext.scope(gate=gate, approval=approval):
        with pytest.raises(ApprovalNeeded):
            demand(other)
        assert not approval.is_used
    assert gate.calls == [other]


@pytest.mark.parametrize("value", ["x" * 101, "sk-" + "proj-0123456789abcdef0123"])
def test_arguments_that_may_not_be_shown_are_refused(value: str) -> None:
    call = PendingToolCall("orders", "cancel", {"reason": value})
    gate = ApprovalGate(NO_LEAKS, 100)
    with RunContext.scope(gate=gate):
        with pytest.raises(PolicyViolation):
            demand(call)
        with pytest.raises(ApprovalNeeded):
            demand()
    assert gate.calls == [CALL]
