import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from harness.errors import ConfigurationError
from harness.settings import Settings
from harness.telemetry.redaction import Redactor
from harness.telemetry.tracing import TRACES
from tests.conftest import Door
from tests.support.peers.collector import Collector


@pytest.fixture
def peer() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.mark.checklist("OBS-1")
async def test_without_a_setting_nothing_is_sent_and_nothing_imported(
    door: Door, peer: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What OpenTelemetry's own exporter would listen to.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{peer.url}/v1/traces")
    for name in [
        it for it in sys.modules if it.startswith(("opentelemetry.sdk", "harness.telemetry.otel"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    client = await door.open()
    assert (await client.post("/v1/chat", json={"message": "Moons of Mars"})).is_success
    await door.close()
    assert peer.sent == []
    assert "opentelemetry.sdk" not in sys.modules
    assert "harness.telemetry.otel" not in sys.modules


def test_a_span_that_goes_nowhere_takes_everything() -> None:
    span = TRACES.span("run", {"a": 1})
    assert isinstance(span, nullcontext)
    with span as it:
        it.set({"a": None})
        it.fail("timeout")
        assert it.trace_id == ""


async def test_a_collector_without_the_packages_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "harness.telemetry.otel", None)
    changes: dict[str, Any] = {"otel_exporter_otlp_endpoint": "http://127.0.0.1:1"}
    changed = Settings(database_url="memory://", **changes)
    with pytest.raises(ConfigurationError, match=r"install the extra \[otel\]"):
        async with TRACES.exporting(changed, Redactor([settings])):
            pass
