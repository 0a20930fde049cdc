"""OpenTelemetry behind `tracing.py`; imported only where a collector is set."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id

from ..project import Project
from ..settings import Settings
from .metrics import SPANS_DROPPED
from .redaction import Redactor
from .tracing import Attributes, Kind

log = structlog.stdlib.get_logger(__name__)

BATCH_SPANS: Final = 256
"""Spans of one request to the collector, half of what the library's own sends."""

PAUSE_SECONDS: Final = 1.0
"""How long the first span of a batch waits for others before they are sent; guess."""

SEND_SECONDS: Final = 5.0
"""Longest try to send one batch, its retries included; the library's own 10 s would hold up an end."""


class BoundedSpanExporter(SpanProcessor):
    """Sends spans from a thread of its own, out of a queue of bounded length.

    Own code where the library's `BatchSpanProcessor` (1.45) drops in silence: what is dropped here
    is counted.
    """

    def __init__(self, exporter: SpanExporter, max_waiting: int) -> None:
        self._exporter = exporter
        self._waiting: queue.Queue[ReadableSpan | None] = queue.Queue(max_waiting)
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, or drop and count it; never waits."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            SPANS_DROPPED.labels("queue_full").inc()

    def end(self, seconds: float) -> None:
        """Send what waits, for `seconds` at most; what is left then is dropped and counted."""
        until = monotonic() + seconds
        try:
            self._waiting.put(None, timeout=seconds)
            self._thread.join(max(0.0, until - monotonic()))
        except queue.Full:  # the collector hangs
            pass
        if self._thread.is_alive():  # it counts the batch in its hands by itself
            self._drop()
        else:
            self._exporter.shutdown()

    def _drop(self) -> None:
        """Empty the queue, and let the thread end behind the batch that it is sending."""
        left = 0
        with suppress(queue.Empty):
            while True:
                left += self._waiting.get_nowait() is not None
        SPANS_DROPPED.labels("not_sent").inc(left)
        with suppress(queue.Full):  # of spans that end only now
            self._waiting.put_nowait(None)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            first = self._waiting.get()
            batch = [first] if first else []
            is_over = first is None
            until = monotonic() + PAUSE_SECONDS
            while not is_over and len(batch) < BATCH_SPANS:
                try:
                    span = self._waiting.get(timeout=max(0.0, until - monotonic()))
                except queue.Empty:
                    break
                is_over = span is None
                batch += [span] if span else []
            if batch:
                self._send(batch)

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            is_sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001 - whatever it raises, the thread goes on
            log.warning("traces_not_sent", error=type(error).__name__)
            is_sent = False
        if not is_sent:
            SPANS_DROPPED.labels("not_sent").inc(len(batch))


class RedactedSpan:
    """A span that takes no secret."""

    def __init__(self, span: trace.Span, redactor: Redactor) -> None:
        self._span = span
        self._redactor = redactor
        self.trace_id = format_trace_id(span.get_span_context().trace_id)

    def set(self, attributes: Attributes) -> None:
        """Say more about it."""
        for name, value in attributes.items():
            if value is not None:
                told = self._redactor.text(value) if isinstance(value, str) else value
                self._span.set_attribute(name, told)

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
            }
        )
        # Not the process's global provider: libraries that look for one would send texts as they are.
        self._provider = TracerProvider(
            resource=resource,
            sampler=ParentBasedTraceIdRatio(settings.otel_sample_ratio),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=f"{str(settings.otel_exporter_otlp_endpoint).rstrip('/')}/v1/traces",
            headers=self._headers(settings),
            timeout=SEND_SECONDS,
        )
        self._sending = BoundedSpanExporter(exporter, settings.otel_queue_spans)
        self._provider.add_span_processor(self._sending)
        self._tracer = self._provider.get_tracer(project.name, project.version)
        self._redactor = redactor

    @staticmethod
    def _headers(settings: Settings) -> dict[str, str]:
        given = settings.otel_exporter_otlp_headers
        pairs = (it.partition("=") for it in given.get_secret_value().split(",")) if given else ()
        return {name.strip(): value.strip() for name, _, value in pairs}

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
        self._sending.end(seconds)
