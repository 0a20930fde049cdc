"""Tests of `metrics`, `tracing`, `workers` and `audit_log`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from harness.auth.principal import Principal, Scope
from harness.errors import ConfigurationError
from harness.models.call_recorder import ModelCallRecorder, Prices
from harness.settings import Settings
from harness.telemetry import metrics
from harness.telemetry.audit_log import AuditLog
from harness.telemetry.logging import Logs
from harness.telemetry.metrics import REGISTRY, Workers
from harness.telemetry.redaction import Redactor
from harness.telemetry.tracing import TRACES
from tests.conftest import Door, Lines
from tests.support.peers.collector import Collector

# Counters have few labels, all of them ours, and Prometheus can read them.

FEW_LABELS = 3


@pytest.mark.checklist("OBS-4")
def test_a_model_call_is_counted_with_its_time_tokens_and_money() -> None:
    role, model = "agent", "openai:counted"
    who = {"role": role, "model": model}
    prices = Prices({"openai:counted": (10_000, 20_000)})
    for used_in, used_out in ((11, 7), (1, 1)):
        call = ModelCallRecorder(role, model, prices)
        with call.record("How high is Everest?", None):
            call.count({"input_tokens": used_in, "output_tokens": used_out, "total_tokens": 0})

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {**who, **labels})

    assert value("llm_calls_total", outcome="ok") == 2
    assert value("llm_latency_seconds_count") == 2
    assert value("llm_tokens_total", direction="input") == 12
    assert value("llm_tokens_total", direction="output") == 8
    assert value("llm_cost_usd_total") == pytest.approx(0.28)


def test_every_metric_has_few_labels_and_is_in_the_one_registry() -> None:
    families = {name: it for name, it in vars(metrics).items() if hasattr(it, "_labelnames")}
    assert families
    for name, family in families.items():
        assert len(family._labelnames) <= FEW_LABELS, name
        assert family._name in {it.name for it in REGISTRY.collect()}, name


def test_each_gauge_says_how_several_workers_are_added_up() -> None:
    gauges = [it for it in vars(metrics).values() if isinstance(it, Gauge)]
    assert {it._multiprocess_mode for it in gauges} == {"livemax", "livemostrecent", "livesum"}


@pytest.mark.parametrize(("path", "route", "status"), [("/healthz", "/healthz", "2xx"), ("/no/such", "other", "4xx")])
async def test_requests_are_counted_by_route_and_class_of_status_and_never_by_path(
    door: Door, path: str, route: str, status: str
) -> None:
    labels = {"route": route, "status": status}
    before = REGISTRY.get_sample_value("http_request_seconds_count", labels) or 0
    client = await door.open()
    await client.get(path)
    assert REGISTRY.get_sample_value("http_request_seconds_count", labels) == before + 1


async def test_the_text_is_what_prometheus_reads(door: Door) -> None:
    client = await door.open()
    reply = await client.get("/metrics")
    assert reply.status_code == HTTPStatus.OK
    families = {it.name for it in text_string_to_metric_families(reply.text)}
    assert {"answers_degraded", "llm_calls", "http_request_seconds", "build_info"} <= families


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
    for name in [it for it in sys.modules if it.startswith(("opentelemetry.sdk", "harness.telemetry.otel"))]:
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


async def test_a_collector_without_the_packages_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harness.telemetry.otel", None)
    changes: dict[str, Any] = {"otel_exporter_otlp_endpoint": "http://127.0.0.1:1"}
    changed = Settings(database_url="memory://", **changes)
    with pytest.raises(ConfigurationError, match=r"install the extra \[otel\]"):
        async with TRACES.exporting(changed, Redactor([settings])):
            pass


# Several processes count in one folder; that a real service does is shown in `tests/e2e`.

PROJECT = Path(__file__).parents[3]

COUNTING = """
import os
from harness.telemetry.metrics import ANSWERS_DEGRADED, LLM_BREAKER_STATE
ANSWERS_DEGRADED.labels("not_saved").inc()
LLM_BREAKER_STATE.labels("m").set(2)
print(os.getpid())
"""

TELLING = """
from prometheus_client import generate_latest
from harness.telemetry.metrics import ANSWERS_DEGRADED, REGISTRY
from harness.telemetry.metrics import Workers
ANSWERS_DEGRADED.labels("not_saved").inc()
print(generate_latest(Workers.all() or REGISTRY).decode())
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=None,  # ours as the system knows it, with what was put there
        cwd=PROJECT / "src",
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.mark.checklist("OBS-2")
def test_whichever_process_is_asked_tells_the_sum_of_all() -> None:
    with Workers.counting() as workers:
        gone = int(run(COUNTING))
        told = run(TELLING)
        assert 'answers_degraded_total{reason="not_saved"} 2.0' in told
        assert 'llm_breaker_state{model="m"} 2.0' in told

        workers.mark_dead(gone)

        told = run(TELLING)
        assert 'answers_degraded_total{reason="not_saved"} 3.0' in told
        assert "llm_breaker_state{" not in told
    assert not Path(workers.folder).exists()


def test_a_process_alone_counts_for_itself() -> None:
    assert Workers.all() is None
    assert 'answers_degraded_total{reason="not_saved"} 1.0' in run(TELLING)


# The audit trail, through the API: one line a turn, without what was said unless it is wanted.

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
