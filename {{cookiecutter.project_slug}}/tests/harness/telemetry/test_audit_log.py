"""The audit trail, through the API: one line a turn, without what was said unless it is wanted."""

from typing import Any

import pytest

from harness.auth.principal import Principal, Scope
from harness.settings import Settings
from harness.telemetry.audit_log import AuditLog
from harness.telemetry.logging import Logs
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door, Lines

QUESTION = "How many moons has Mars?"


async def audited(door: Door, lines: Lines, message: str, **changes: Any) -> list[dict[str, Any]]:
    settings = Settings(database_url="memory://", log_format="json", **changes)
    client = await door.open(settings)
    await client.post("/v1/chat", json={"message": message, "thread_id": "t1"})
    return [line for line in lines.events if line.get("logger") == AuditLog.LOGGER]


@pytest.mark.checklist("ABU-2")
async def test_each_turn_leaves_one_line_without_what_was_said(door: Door, lines: Lines) -> None:
    (line,) = await audited(door, lines, QUESTION)
    expected = {
        "event": "audit",
        "owner": "",
        "thread_id": "t1",
        "outcome": "work",
        "agents": ["moons"],
        "language": "en",
        "degraded_because": [],
        "decisions": [],
    }
    assert {name: line[name] for name in expected} == expected
    assert line["run_id"]
    assert line["request_id"]
    assert "Mars" not in str(line)
    assert "mars" not in str(line)


async def test_what_was_said_is_in_it_where_the_operator_wants_it(door: Door, lines: Lines) -> None:
    (line,) = await audited(door, lines, f"{QUESTION} password=hunter2", audit_content=True)
    assert line["question"].startswith(QUESTION)
    assert line["answer"] == "mars has 2 moons."
    assert "hunter2" not in str(line)


async def test_a_stream_leaves_the_same_line(door: Door, lines: Lines) -> None:
    client = await door.open(Settings(database_url="memory://", log_format="json"))
    await client.post("/v1/chat/stream", json={"message": QUESTION})
    (line,) = lines.named("audit")
    assert (line["outcome"], line["agents"]) == ("work", ["moons"])


@pytest.mark.parametrize("level", ["WARNING", "ERROR"])
async def test_no_level_of_the_log_ends_it(door: Door, lines: Lines, level: str) -> None:
    (line,) = await audited(door, lines, QUESTION, log_level=level)
    assert line["outcome"] == "work"
    assert lines.named("turn") == []


def test_what_a_guard_decides_is_counted_and_in_the_line(lines: Lines, settings: Settings) -> None:
    def counted() -> float:
        labels = {"guard": "planted", "decision": "refused"}
        return REGISTRY.get_sample_value("guard_decisions_total", labels) or 0

    before = counted()
    owner = Principal.from_key("shop", [Scope.CHAT]).id
    json = settings.model_copy(update={"log_format": "json"})
    with Logs(json), AuditLog.scope(owner):
        AuditLog.record("planted", "refused", "a rule")
    AuditLog.record("planted", "refused", "outside of a turn")
    (line,) = lines.named("audit")
    assert line["decisions"] == [{"guard": "planted", "decision": "refused", "because": "a rule"}]
    assert (line["owner"], line["outcome"]) == (owner, "failed")
    assert counted() - before == 2
