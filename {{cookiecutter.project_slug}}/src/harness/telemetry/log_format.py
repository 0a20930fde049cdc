"""What a log format decides: the names of a line's fields, and what it tells by itself while the service runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from ..settings import LogFormats, Settings


class LogFormat:
    """Lines of JSON under the names that some reader wants: `formats/<name>.py`, whose `FORMAT` is derived from this.

    The service promises: what `line` gets is without secrets already, and what `reporting` logs passes `line`
    as everything else does. You promise that neither reads what callers wrote.
    """

    def __init__(self, settings: Settings) -> None:
        """Made with the logs, before the first line."""

    @staticmethod
    def from_settings(settings: Settings) -> "LogFormat | None":
        """The one that LOG_FORMAT names; None for those that are not discovered."""
        if settings.log_format in LogFormats.BUILT_IN:
            return None
        module = import_module(f".formats.{settings.log_format}", __package__)
        made: LogFormat = module.FORMAT(settings)
        return made

    def line(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The line as it is written."""
        return event

    @asynccontextmanager
    async def reporting(self, refresh: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
        """Entered while the service runs; `refresh` brings the gauges of its parts up to date."""
        yield
