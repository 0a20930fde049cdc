"""Lines under the names of the Elastic Common Schema."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ...project import Project
from ...settings import Settings
from ..log_format import LogFormat

NANOSECONDS: Final = 1_000_000
"""Of a millisecond: what ECS counts durations in."""


class ECS(LogFormat):
    """Renames the fields of a line; what the schema has no name for is below `app`."""

    VERSION: Final = "8.17"
    """Of the schema; what is used here has been in it since 8.0."""

    NAMES: ClassVar[Mapping[str, str]] = {
        "timestamp": "@timestamp",
        "level": "log.level",
        "logger": "log.logger",
        "request_id": "http.request.id",
        "method": "http.request.method",
        "route": "url.path",
        "host": "server.address",
        "run_id": "transaction.id",
        "trace_id": "trace.id",
        "principal": "user.id",
        "error": "error.type",
        "reason": "event.reason",
    }

    def __init__(self, settings: Settings) -> None:
        """Every line says which service it is of."""
        super().__init__(settings)
        project = Project.load()
        self._fixed = {
            "ecs.version": self.VERSION,
            "service.name": project.name,
            "service.version": project.version,
            "service.environment": settings.environment,
        }

    def line(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The line under its new names."""
        line: dict[str, Any] = {**self._fixed}
        for name, value in event.items():
            match name, value:
                case "event", _:
                    line["message"] = value
                    line["event.action"] = value
                case "ms", int() | float():
                    line["event.duration"] = round(value * NANOSECONDS)
                case "status", int():  # of an answer; other statuses are words
                    line["http.response.status_code"] = value
                case "exception", [{"exc_type": kind, "exc_value": text}, *_]:
                    line["error.type"], line["error.message"] = kind, text
                    line["error.stack_trace"] = str(value)
                case _:
                    line[self.NAMES.get(name, f"app.{name}")] = value
        return line


FORMAT = ECS
