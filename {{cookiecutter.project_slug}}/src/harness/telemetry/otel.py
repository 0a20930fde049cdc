"""Spans for an OpenTelemetry collector; imported by `tracing.py` only where one is set."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Final
from urllib.parse import unquote

import structlog
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..project import Project
from ..settings import Settings
from .metrics import SPANS_DROPPED
from .redaction import Redactor
from .tracing import Attributes, Kind, Span

log = structlog.stdlib.get_logger(__name__)

BATCH_SPANS: Final = 256
"""Spans of one request to the collector, half of what the library's own sends."""

PAUSE_MILLISECONDS: Final = 1000
"""How long spans wait for others before they are sent; guess."""

SEND_SECONDS: Final = 5.0
"""Longest try to send one batch, its retries included; the library's own 10 s would hold up an end."""


class CountingExporter(SpanExporter):
    """Counts the spans that reach no collector: the SDK (1.45) counts them for its own meters only."""

    def __init__(self, exporter: SpanExporter, max_waiting: int) -> None:
        """Send by `exporter` what waits in a queue of `max_waiting`."""
        self._exporter = exporter
        self._places = max_waiting
        self._waiting = 0
        self._lock = Lock()

    def admit(self) -> bool:
        """Whether one more span may wait; never waits itself."""
        with self._lock:
            is_admitted = self._waiting < self._places
            self._waiting += is_admitted
        if not is_admitted:
            SPANS_DROPPED.labels("queue_full").inc()
        return is_admitted

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch; none after `drop`."""
        with self._lock:
            if not self._places:
                return SpanExportResult.FAILURE
            self._waiting -= len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold a key
            log.warning("traces_not_sent", error=type(error).__name__)
        if result is not SpanExportResult.SUCCESS:
            SPANS_DROPPED.labels("not_sent").inc(len(spans))
        return result

    def drop(self) -> None:
        """Send nothing more. A batch that is being sent is counted by itself."""
        with self._lock:
            SPANS_DROPPED.labels("not_sent").inc(self._waiting)
            self._waiting = self._places = 0

    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()


class CountingProcessor(BatchSpanProcessor):
    """The SDK's queue and thread, whose dropped spans are counted and whose end is bounded."""

    def __init__(self, exporter: SpanExporter, max_waiting: int) -> None:
        self._counting = CountingExporter(exporter, max_waiting)
        super().__init__(
            self._counting,
            max_queue_size=max_waiting,
            schedule_delay_millis=PAUSE_MILLISECONDS,
            max_export_batch_size=min(BATCH_SPANS, max_waiting),
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Take a sampled span, or drop it."""
        if span.context and span.context.trace_flags.sampled and self._counting.admit():
            super().on_end(span)

    def close(self, seconds: float) -> None:
        """Send what waits, for `seconds` at most."""
        ending = Thread(target=self.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(seconds)
        if ending.is_alive():  # the collector hangs
            self._counting.drop()


class RedactedSpan(Span):
    """A span that takes no secret."""

    def __init__(self, span: trace.Span, redactor: Redactor) -> None:
        self._span = span
        self._redactor = redactor
        self.trace_id = format_trace_id(span.get_span_context().trace_id)

    def set(self, attributes: Attributes) -> None:
        """Say more about it."""
        for name, value in attributes.items():
            if value is not None:
                masked = self._redactor.text(value) if isinstance(value, str) else value
                self._span.set_attribute(name, masked)

    def fail(self, reason: str) -> None:
        """Say that it failed."""
        self._span.set_attribute("error.type", reason)
        self._span.set_status(StatusCode.ERROR)


class OpenTelemetry:
    """The connection to one collector."""

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        project = Project.load()
        resource = Resource.create(
            {
                "service.name": project.name,
                "service.version": project.version,
                "deployment.environment.name": settings.environment,
                **self._pairs(settings.otel_resource_attributes),
                **({"service.name": settings.otel_service_name} if settings.otel_service_name else {}),
            }
        )
        # Not the process's global provider: libraries that look for one would send texts as they are.
        self._provider = TracerProvider(
            resource=resource, sampler=ParentBasedTraceIdRatio(settings.otel_sample_ratio), shutdown_on_exit=False
        )
        headers = settings.otel_exporter_otlp_headers
        exporter = OTLPSpanExporter(
            endpoint=f"{str(settings.otel_exporter_otlp_endpoint).rstrip('/')}/v1/traces",
            headers=self._pairs(headers.get_secret_value() if headers else None),
            timeout=SEND_SECONDS,
        )
        self._processor = CountingProcessor(exporter, settings.otel_queue_spans)
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer(project.name, project.version)
        self._redactor = redactor
        self._caller = TraceContextTextMapPropagator()

    @staticmethod
    def _pairs(text: str | None) -> dict[str, str]:
        """What a variable of OpenTelemetry lists, percent-decoded as its specification says."""
        pairs = (it.partition("=") for it in text.split(",")) if text else ()
        return {name.strip(): unquote(value.strip()) for name, _, value in pairs}

    @contextmanager
    def joined(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Spans that begin in the block belong to the caller's, which `traceparent` names (W3C Trace Context)."""
        token = attach(self._caller.extract(headers))
        try:
            yield
        finally:
            detach(token)

    @contextmanager
    def span(self, name: str, attributes: Attributes, kind: Kind) -> Iterator[RedactedSpan]:
        """A span that lasts as long as the block."""
        made = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT if kind == "leaf" else SpanKind.INTERNAL,
            record_exception=False,  # its text may hold a secret
            set_status_on_exception=False,
        )
        span = RedactedSpan(made, self._redactor)
        span.set(attributes)
        try:
            if kind == "leaf":
                yield span
            else:
                with trace.use_span(made, record_exception=False, set_status_on_exception=False):
                    yield span
        except BaseException as error:
            if "error.type" not in (getattr(made, "attributes", None) or {}):
                span.fail(type(error).__name__)
            raise
        finally:
            made.end()

    def close(self, seconds: float) -> None:
        """Send what waits, for `seconds` at most."""
        self._processor.close(seconds)
