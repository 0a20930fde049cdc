"""Case 40: what callers send makes no log line of its own, no label, and no secret anywhere."""

from typing import Any

import orjson
import pytest

from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door, Lines

FORGED = 'moons of Mars\n{"event": "forged", "level": "info"}\r\n\x1b[2K\x1b[1Aforged\x85\u2028forged'
SECRET = "sk-" + "proj-" + "a1B2c3D4" * 4
MANY = 1000
"""Of each of three kinds of request; one label of a caller's choice would be seen after one."""


def labels() -> set[tuple[str, ...]]:
    """Every set of labels that the metrics have."""
    return {
        (sample.name, *map(str, sample.labels.items())) for family in REGISTRY.collect() for sample in family.samples
    }


async def opened(door: Door, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "database_url": "memory://", "log_format": "json", "limits": "off", "audit_content": True,
    }  # fmt: skip
    return await door.open(Settings(**values | changes))


@pytest.mark.checklist("SEC-2")
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
async def test_a_message_makes_no_line_of_its_own(door: Door, lines: Lines, path: str) -> None:
    client = await opened(door)
    await client.post(path, json={"message": FORGED, "thread_id": "t1"})
    raw = lines.text.split("\n")
    events = [orjson.loads(line)["event"] for line in raw if line]  # each one is whole
    assert events.count("audit") == 1
    assert "forged" not in events
    assert "\x1b" not in lines.text
    assert "\r" not in lines.text


@pytest.mark.checklist("SEC-2")
async def test_a_header_makes_no_line_of_its_own(door: Door, lines: Lines) -> None:
    client = await opened(door)
    for name in ("X-Request-Id", "User-Agent", "X-Forwarded-For", "Idempotency-Key", "X-API-Key"):
        headers = {name: 'a"}\\n{"event": "forged"} \\x1b[2K'}
        await client.get("/healthz", headers=headers)
        await client.post("/v1/chat", json={"message": "moons of Mars"}, headers=headers)
    events = [orjson.loads(line)["event"] for line in lines.text.split("\n") if line]
    assert "forged" not in events


@pytest.mark.slow
@pytest.mark.checklist("OBS-2")
async def test_thousands_of_paths_methods_and_users_make_no_label_of_their_own(door: Door) -> None:
    client = await opened(door)
    await client.get("/v1/none")
    await client.request("ODD", "/v1/chat")
    before = labels()
    for at in range(MANY):
        await client.get(f"/v1/{at}/{'x' * 20}?user={at}")
        await client.request(f"ODD{at}", "/v1/chat")
        await client.get(f"/v1/threads/{at}", headers={"X-API-Key": f"ak_{at}", "X-User": str(at)})
    new = labels() - before
    assert len(new) <= 2 * 20, new  # the route of threads, its buckets
    assert not any("x" * 20 in str(it) for it in new)


@pytest.mark.checklist("SEC-2")
async def test_a_secret_in_a_query_a_header_or_an_exception_is_in_no_line_and_no_metric(
    door: Door, lines: Lines
) -> None:
    client = await opened(door)
    await client.get(f"/v1/none?token={SECRET}&api_key=hunter2hunter2")
    await client.get(f"/{SECRET}")
    for name in ("Authorization", "X-API-Key", "Cookie", "X-Request-Id", "Referer"):
        await client.get("/v1/agents", headers={name: f"Bearer {SECRET}"})
    answers = [
        await client.post("/v1/chat", json={"message": f"Star of Vega, {SECRET}"}),
        await client.post(f"/v1/chat?key={SECRET}", json={"message": "Stars", "odd": SECRET}),
    ]
    metrics = (await client.get("/metrics")).text
    assert lines.named("agent_failed")  # its exception holds `password=hunter2`
    assert SECRET not in lines.text + metrics
    assert "hunter2" not in lines.text + metrics + str([answer.text for answer in answers])
