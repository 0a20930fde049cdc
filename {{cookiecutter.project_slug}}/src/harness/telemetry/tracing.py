"""Traces: what happened inside of a run, for an OpenTelemetry collector; nothing where none is set.

Spans are named as OpenTelemetry's conventions for generative AI say (1.45, in development there).
Our own steps make them: the library's instrumentation of FastAPI costs 0.26 ms a request.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Literal

from ..errors import ConfigurationError
from ..project import Extra
from ..settings import Settings
from .redaction import Redactor

if TYPE_CHECKING:
    from .otel import OpenTelemetry

Value = str | bool | int | float
Attributes = Mapping[str, Value | None]
Kind = Literal["step", "leaf"]
"""`step`: what begins inside belongs to it. `leaf`: a call to the outside that nothing is part of;
the only kind that may last while a generator waits for its reader."""


class Span:
    """Something that lasts; this one where nothing is traced."""

    trace_id = ""
    """Hexadecimal; empty where nothing is traced."""

    def set(self, attributes: Attributes) -> None:
        """Say more about it; None is left out. Texts are redacted."""

    def fail(self, reason: str) -> None:
        """Say that it failed, in a word of ours."""


class Traces:
    """Where spans go: one a process, as there is one log."""

    _NOWHERE: Final[AbstractContextManager[Span]] = nullcontext(Span())

    def __init__(self) -> None:
        self._collector: OpenTelemetry | None = None

    @asynccontextmanager
    async def exporting(self, settings: Settings, redactor: Redactor) -> AsyncIterator[None]:
        """Send spans where the settings say while entered, and what still waits at the end.

        Raises:
            ConfigurationError: The packages of OpenTelemetry are not installed.
        """
        if settings.otel_exporter_otlp_endpoint is None:
            yield
            return
        try:
            from .otel import OpenTelemetry  # noqa: PLC0415  # an extra: 0.3 s and 9 MB
        except ImportError:
            raise ConfigurationError([f"OTEL_EXPORTER_OTLP_ENDPOINT: {Extra.remedy('otel')}"]) from None
        self._collector = OpenTelemetry(settings, redactor)
        try:
            yield
        finally:
            collector, self._collector = self._collector, None
            await asyncio.to_thread(collector.close, settings.shutdown_grace_seconds)

    def span(self, name: str, attributes: Attributes, kind: Kind = "step") -> AbstractContextManager[Span]:
        """A span that lasts as long as the block; an exception that leaves it fails it."""
        if self._collector is None:
            return self._NOWHERE
        return self._collector.span(name, attributes, kind)

    def joined(self, headers: Mapping[str, str]) -> AbstractContextManager[object]:
        """What begins in the block belongs to the trace of a caller who sends these headers."""
        if self._collector is None:
            return self._NOWHERE
        return self._collector.joined(headers)


TRACES: Final = Traces()
