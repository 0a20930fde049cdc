"""A collector on loopback gets the spans of a run, without a secret, and its failures cost nothing."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.project import Project
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from harness.telemetry.tracing import TRACES
from tests.conformance.conftest import Served, model_server, served  # noqa: F401  # fixtures
from tests.conftest import Door, Lines
from tests.support.peers.collector import Collector
from tests.support.peers.openai_replies import Failure

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is missing")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from harness.telemetry.otel import CountingProcessor

pytestmark = pytest.mark.checklist("OBS-1")

SECRET = "sk-" + "planted0123456789abcdef"


@pytest.fixture
def peer() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def spans_of(peer: Collector) -> list[Any]:
    spans = []
    for sent in peer.to("/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(sent.body).resource_spans:
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    return spans


def attributes(span: Any) -> Mapping[str, Any]:
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in span.attributes}


async def test_the_spans_of_a_run_hang_together_and_say_who_did_what(
    served: Served, peer: Collector  # noqa: F811  # a fixture
) -> None:
    await served.start(otel_exporter_otlp_endpoint=peer.url, otel_exporter_otlp_headers="x-key=planted, a=b")
    reply = await served.ask("How many moons has Mars and how high is Everest?", "thread-1")
    await served.door.close()  # what waits is sent

    assert peer.to("/v1/traces")[0].headers["x-key"] == "planted"
    spans = {span.span_id: span for span in spans_of(peer)}
    assert len({span.trace_id for span in spans.values()}) == 1
    (root,) = [span for span in spans.values() if not span.parent_span_id]
    assert root.name == "run"
    assert attributes(root) == {"gen_ai.conversation.id": "thread-1", "app.run.id": reply["run_id"]}
    parents = {(span.name, spans[span.parent_span_id].name) for span in spans.values() if span.parent_span_id}
    assert parents == {
        ("chat scripted-planner", "run"),
        ("chat scripted-writer", "run"),
        ("invoke_agent moons", "run"),
        ("invoke_agent heights", "run"),
        ("chat scripted-agent", "invoke_agent moons"),
        ("chat scripted-agent", "invoke_agent heights"),
        ("execute_tool look_up", "invoke_agent moons"),
        ("execute_tool look_up", "invoke_agent heights"),
    }
    call = next(attributes(it) for it in spans.values() if it.name == "chat scripted-writer")
    assert call == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "scripted-writer",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "app.role": "writer",
        "app.prompt": "writer",
        "app.prompt_version": "2",
    }
    assert {line["trace_id"] for line in served.lines.named("audit")} == {root.trace_id.hex()}


async def test_a_call_that_fails_is_marked_with_its_reason(
    served: Served, peer: Collector  # noqa: F811  # a fixture
) -> None:
    served.model.breaks(Failure(503, f"the key was {SECRET}"))
    await served.start(otel_exporter_otlp_endpoint=peer.url)
    await served.ask(f"How many moons has Mars, {SECRET}?")
    await served.door.close()
    calls = [it for it in spans_of(peer) if it.name.startswith("chat")]
    assert {attributes(it)["error.type"] for it in calls} == {"upstream_error"}
    assert SECRET.encode() not in b"".join(it.body for it in peer.sent)


async def test_a_secret_in_an_attribute_is_redacted(door: Door, peer: Collector) -> None:
    settings = Settings.model_validate({"database_url": "memory://", "otel_exporter_otlp_endpoint": peer.url})
    await door.open(settings)
    with TRACES.span("step", {"a": f"key {SECRET}", "n": 1, "none": None}) as span:
        span.set({"b": SECRET})
    with pytest.raises(ValueError, match=SECRET), TRACES.span("leaf", {}, "leaf"):
        raise ValueError(SECRET)
    await door.close()
    step, leaf = spans_of(peer)
    assert attributes(step) == {"a": "key [redacted]", "n": 1, "b": "[redacted]"}
    assert attributes(leaf) == {"error.type": "ValueError"}
    assert SECRET.encode() not in peer.sent[0].body


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("traceparent", "is_joined"),
    [(f"00-{TRACE}-{PARENT}-01", True), (f"00-{TRACE}-{'0' * 16}-01", False), ("nonsense", False)],
)
async def test_a_run_belongs_to_its_callers_trace(
    door: Door, peer: Collector, lines: Lines, traceparent: str, is_joined: bool
) -> None:
    settings = Settings.model_validate({"database_url": "memory://", "otel_exporter_otlp_endpoint": peer.url})
    client = await door.open(settings)
    headers = {"traceparent": traceparent, "tracestate": "vendor=x"}
    for path in ("/v1/chat", "/v1/chat/stream"):
        assert (await client.post(path, json={"message": "Moons of Mars"}, headers=headers)).is_success
    assert (await client.post("/v1/chat", json={"message": "Moons of Mars"})).is_success  # of its own
    await door.close()
    runs = [it for it in spans_of(peer) if it.name == "run"]
    joined = [it for it in runs if (it.trace_id.hex(), it.parent_span_id.hex()) == (TRACE, PARENT)]
    assert (len(runs), len(joined)) == (3, 2 if is_joined else 0)
    assert {it.trace_state for it in joined} <= {"vendor=x"}
    assert {it.trace_id.hex() for it in runs} == {line["trace_id"] for line in lines.named("audit")}


async def test_a_caller_who_does_not_sample_is_not_traced(door: Door, peer: Collector) -> None:
    settings = Settings.model_validate({"database_url": "memory://", "otel_exporter_otlp_endpoint": peer.url})
    client = await door.open(settings)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    assert (await client.post("/v1/chat", json={"message": "Moons of Mars"}, headers=headers)).is_success
    await door.close()
    assert peer.sent == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, {}),
        ({"otel_service_name": "front"}, {"service.name": "front"}),
        (
            {"otel_resource_attributes": "service.name=other,service.namespace=a%2Cb%20c"},
            {"service.name": "other", "service.namespace": "a,b c"},
        ),
        ({"otel_resource_attributes": "service.name=other", "otel_service_name": "front"}, {"service.name": "front"}),
    ],
    ids=["defaults", "name", "attributes", "both"],
)
async def test_what_is_sent_names_the_service_and_decodes_as_the_specification_says(
    door: Door, peer: Collector, given: Mapping[str, str], said: Mapping[str, str]
) -> None:
    values = {"otel_exporter_otlp_headers": "Authorization=Bearer%20a%3Db, x-key = c=d", **given}
    base = {"database_url": "memory://", "otel_exporter_otlp_endpoint": peer.url}
    client = await door.open(Settings.model_validate({**base, **values}))
    assert (await client.post("/v1/chat", json={"message": "Moons of Mars"})).is_success
    await door.close()
    sent = peer.to("/v1/traces")[0]
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert (headers["authorization"], headers["x-key"]) == ("Bearer a=b", "c=d")
    (resource,) = ExportTraceServiceRequest.FromString(sent.body).resource_spans
    told = {it.key: it.value.string_value for it in resource.resource.attributes}
    project = Project.load()
    expected = {"service.name": project.name, "service.version": project.version, **said}
    assert expected.items() <= told.items()


def test_a_key_among_the_headers_is_a_secret_as_it_is_sent() -> None:
    settings = Settings.model_validate({"otel_exporter_otlp_headers": "a=b,authorization=Basic%20cGxhbnRlZDpvbmU="})
    assert "Basic cGxhbnRlZDpvbmU=" in [it.get_secret_value() for it in settings.secrets()]


async def test_no_run_is_traced_where_the_share_is_none(door: Door, peer: Collector) -> None:
    settings = Settings.model_validate(
        {"database_url": "memory://", "otel_exporter_otlp_endpoint": peer.url, "otel_sample_ratio": 0}
    )
    client = await door.open(settings)
    assert (await client.post("/v1/chat", json={"message": "Moons of Mars"})).is_success
    await door.close()
    assert peer.sent == []


def dropped(reason: str) -> float:
    value = REGISTRY.get_sample_value("trace_spans_dropped_total", {"reason": reason})
    return value or 0


class Hanging(SpanExporter):
    """A collector that answers when the test lets it."""

    def __init__(self, result: SpanExportResult | Exception) -> None:
        self.result = result
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.closed = threading.Event()
        self.batches = 0

    def export(self, spans: Any) -> SpanExportResult:
        """Wait."""
        self.batches += 1
        self.asked.set()
        assert self.may_answer.wait(30)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def shutdown(self) -> None:
        """Say that it was closed."""
        self.closed.set()


def test_the_end_has_one_deadline_and_counts_what_it_leaves() -> None:
    exporter = Hanging(SpanExportResult.SUCCESS)
    processor = CountingProcessor(exporter, max_waiting=1)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    tracer.start_span("first").end()  # a whole batch
    assert exporter.asked.wait(30)
    tracer.start_span("more").end()
    lost = dropped("not_sent")
    processor.close(0.01)
    assert dropped("not_sent") == lost + 1
    exporter.may_answer.set()
    assert exporter.closed.wait(30)
    assert dropped("not_sent") == lost + 1  # the first one was sent, the other one was counted
    assert exporter.batches == 1


@pytest.mark.parametrize("result", [SpanExportResult.FAILURE, RuntimeError(SECRET)])
def test_a_collector_that_hangs_and_fails_costs_spans_that_are_counted_and_no_time(
    result: SpanExportResult | Exception, lines: Lines
) -> None:
    exporter = Hanging(result)
    processor = CountingProcessor(exporter, max_waiting=2)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    full, lost = dropped("queue_full"), dropped("not_sent")
    for _ in range(2):
        tracer.start_span("first").end()
    assert exporter.asked.wait(30)  # its thread waits for the collector now

    for _ in range(5):
        tracer.start_span("more").end()

    assert dropped("queue_full") == full + 3
    exporter.may_answer.set()
    processor.close(30)
    assert exporter.closed.is_set()
    assert dropped("not_sent") == lost + 4
    assert SECRET not in lines.text


def test_a_span_that_ends_after_the_end_is_dropped() -> None:
    exporter = Hanging(SpanExportResult.SUCCESS)
    exporter.may_answer.set()
    processor = CountingProcessor(exporter, max_waiting=2)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    span = provider.get_tracer("test").start_span("late")
    processor.close(30)
    span.end()
    assert exporter.batches == 0
