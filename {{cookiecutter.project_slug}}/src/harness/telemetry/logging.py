"""Logs: ours from structlog, and every library's from the standard library, as the same lines.

One line an event: JSON for machines, colour for people. What is bound with
`structlog.contextvars` (request id, thread id, agent, prompt and its version) is on every line of
that request. The redactor is the last step before a line is rendered.

Our own events are written at once. As records of the standard library, made twice, formatted and
handed down, they cost 0.17 ms each; they become records only where somebody added a handler.
"""

import json
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Self, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from ..settings import Settings
from .audit_log import AuditLog
from .ecs import ECS
from .redaction import Redactor

QUIET: Final = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "uvicorn.access",
    "asyncio",
)
"""Loggers that repeat per request what our own lines say better: from WARNING on only."""


class Logs:
    """The logging of one process. Entering it installs it, leaving it puts things back."""

    def __init__(self, settings: Settings, stream: TextIO | None = None) -> None:
        """Write to `stream`, standard error when None."""
        self._settings = settings
        self._stream = stream
        self.redactor = Redactor([settings])
        self._ecs = ECS(settings.environment)

    def install(self) -> Self:
        """Take over the root logger and every logger that exists; calling it again is harmless."""
        handler = _Handler(self._stream)
        is_json = self._settings.log_format in ("json", "ecs") or (
            self._settings.log_format == "auto" and not handler.stream.isatty()
        )
        render = self._render(is_json)
        handler.setFormatter(self._formatter(render))
        root = logging.getLogger()
        for old in [old for old in root.handlers if isinstance(old, _Handler)]:
            root.removeHandler(old)
        root.addHandler(handler)
        self._set_levels(root)
        self._claim_other_loggers(root)
        logging.setLogRecordFactory(self._record)
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *self._shared(),
                structlog.stdlib.PositionalArgumentsFormatter(),
                _Writing(handler, render),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )
        return self

    @staticmethod
    def uninstall() -> None:
        """Give the root logger back to whoever had it before; tests do."""
        root = logging.getLogger()
        for handler in [old for old in root.handlers if isinstance(old, _Handler)]:
            root.removeHandler(handler)
        logging.setLogRecordFactory(logging.LogRecord)
        structlog.reset_defaults()

    def __enter__(self) -> Self:
        return self.install()

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def _set_levels(self, root: logging.Logger) -> None:
        level = logging.getLevelNamesMapping()[self._settings.log_level]
        root.setLevel(level)
        for name in QUIET:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))
        for ours in ("app", "harness"):
            verbose = logging.DEBUG if self._settings.enable_verbose_logging else logging.NOTSET
            logging.getLogger(ours).setLevel(verbose)
        logging.getLogger(AuditLog.LOGGER).setLevel(logging.INFO)  # LOG_LEVEL ends no audit trail

    @staticmethod
    def _claim_other_loggers(root: logging.Logger) -> None:
        """A logger with a handler of its own would write around the redactor."""
        for logger in root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger):
                logger.propagate = True
                logger.handlers.clear()

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Masks what a library writes through a handler that it adds after the start."""
        record = logging.LogRecord(*args, **kwargs)
        if not isinstance(record.msg, _Line):
            with suppress(TypeError, ValueError):  # arguments that do not fit: logging tells
                record.msg, record.args = self.redactor.text(record.getMessage()), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = self.redactor.text(
                logging.Formatter().formatException(record.exc_info)
            )
        return record

    @staticmethod
    def _shared() -> list[Processor]:
        return [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]

    def _render(self, is_json: bool) -> list[Processor]:
        if is_json:
            # Without locals: they hold keys and what users wrote.
            traces = ExceptionDictTransformer(show_locals=False)
            renamed = [self._rename] if self._settings.log_format == "ecs" else []
            return [
                structlog.processors.ExceptionRenderer(traces),
                self._redact,
                *renamed,
                structlog.processors.JSONRenderer(serializer=self._dump),
            ]
        return [
            structlog.processors.format_exc_info,
            self._redact,
            structlog.dev.ConsoleRenderer(colors=sys.platform != "win32"),
        ]

    def _formatter(self, render: Sequence[Processor]) -> logging.Formatter:
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*self._shared(), structlog.stdlib.ExtraAdder(), self._tidy],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )

    @staticmethod
    def _tidy(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Without what other handlers and uvicorn leave on a record: the event says it already."""
        for name in ("message", "asctime", "color_message"):
            event.pop(name, None)
        return event

    def _redact(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return self.redactor.event(event)

    def _rename(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return self._ecs.line(event)

    @staticmethod
    def _dump(event: EventDict, **_: object) -> str:
        try:
            return orjson.dumps(event).decode()
        except TypeError:  # a lone surrogate or an integer of more than 64 bits
            return json.dumps(event)


class _Line(str):
    """An event of ours, masked, rendered and written."""

    __slots__ = ()


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, told apart from those of test runners."""

    def __init__(self, stream: TextIO | None) -> None:
        self._fixed = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:  # looked up late: stderr may be swapped
        return self._fixed or sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Standard library's constructor sets it; what counts is `_fixed`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a library's record."""
        if not isinstance(record.msg, _Line):
            super().emit(record)

    def write(self, line: str) -> None:
        """Write a line of ours."""
        self.acquire()
        try:
            self.stream.write(line + self.terminator)
            self.flush()
        finally:
            self.release()


class _Writing:
    """The last step of an event of ours."""

    def __init__(self, handler: _Handler, render: Sequence[Processor]) -> None:
        self._handler = handler
        self._render = render

    def __call__(
        self, logger: WrappedLogger, method: str, event: EventDict
    ) -> tuple[tuple[_Line], dict[str, Any]]:
        """Write the line, and give it as a record's message where there are other handlers."""
        line: Any = event
        try:
            for step in self._render:
                line = step(logger, method, line)
            self._handler.write(line)
        except Exception as error:
            told = {"name": logger.name, "levelname": method, "msg": "no line could be written"}
            self._handler.handleError(logging.makeLogRecord(told))  # as for a library's record
            raise structlog.DropEvent from error
        if not self._is_heard(logger):
            raise structlog.DropEvent
        return (_Line(line),), {}

    def _is_heard(self, logger: logging.Logger | None) -> bool:
        while logger:
            if any(handler is not self._handler for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False
