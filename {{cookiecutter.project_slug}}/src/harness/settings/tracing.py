"""Where traces go. Nowhere, unless a setting here says so."""

from typing import ClassVar

from pydantic import AnyHttpUrl, Field, SecretStr

from ..configuration import Configuration


class TracingSettings(Configuration):
    """Where traces go. Nowhere, unless a setting here says so."""

    title: ClassVar = "Traces"

    otel_exporter_otlp_endpoint: AnyHttpUrl | None = None
    """Address of an OpenTelemetry collector (OTLP over HTTP, `/v1/traces` is added). Empty: no
    traces, and OpenTelemetry is not even imported. It needs the extra `otel`."""

    otel_exporter_otlp_headers: SecretStr | None = None
    """Headers for it, `name=value` separated by commas, such as its key."""

    otel_sample_ratio: float = Field(default=1, ge=0, le=1)
    """Share of runs that are traced."""

    otel_queue_spans: int = Field(default=2048, ge=1, le=100_000)
    """Spans that wait for the collector, about 1 kB each; further ones are dropped and counted."""

    langsmith_tracing: bool = False
    """Send runs, with what was asked and answered (secrets redacted), and ratings to LangSmith."""

    langsmith_api_key: SecretStr | None = None
    """Key for LangSmith."""

    langsmith_endpoint: AnyHttpUrl | None = None
    """Address of LangSmith; empty: the library's own."""

    langsmith_project: str | None = None
    """Project there; empty: this service's name."""
