"""Logs: ours from structlog, and every library's from the standard library, as the same lines.

One line an event: JSON for machines, colour for people. What is bound with
`structlog.contextvars` (request id, thread id, agent, prompt and its version) is on every line of
that request. The redactor is the last step before a line is rendered.

Our own events are rendered before they become records of the standard library, so that every
handler, also one that somebody adds, gets the finished line without a secret.
"""

import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any, Final, Self, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from ..settings import Settings
from .audit_log import AuditLog
from .line_writer import LineWriter
from .log_format import LogFormat
from .redaction import Redactor

QUIET: Final = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "uvicorn.access",
    "asyncio",
    "mcp",
    "botocore",
    "langchain_aws",
)
"""Loggers that repeat per request what our own lines say better: from WARNING on only."""


class Logs:
    """The logging of one process. Entering it installs it, leaving it puts things back."""

    def __init__(self, settings: Settings, stream: TextIO | None = None) -> None:
        """Write to `stream`, standard error when None."""
        self._settings = settings
        self._stream = stream
        self.redactor = Redactor([settings])
        self._format = LogFormat.from_settings(settings)

    def install(self) -> Self:
        """Take over the root logger and every logger that exists; calling it again is harmless."""
        self.uninstall()
        handler = _Handler(self._stream)
        log_format = self._settings.log_format
        is_terminal = log_format == "auto" and handler.stream.isatty()
        render = self._render(is_json=log_format != "console" and not is_terminal)
        shared: list[Processor] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), self._tidy],
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
            )
        )
        root = logging.getLogger()
        root.addHandler(handler)
        self._set_levels(root)
        self._claim_other_loggers(root)
        logging.setLogRecordFactory(self._record)
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *shared,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *render,
                lambda _, __, line: _Line(line),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )
        return self

    def write_in_background(self) -> None:
        """From now on no caller waits for the reader of the log, until the process ends."""
        for handler in self._handlers():
            handler.writer = handler.writer or LineWriter.over(handler.stream, self._settings.log_queue_bytes)

    def reporting(self, refresh: Callable[[], Awaitable[object]]) -> AbstractAsyncContextManager[None]:
        """Entered while the service runs: what the format tells by itself. `refresh` renews the gauges of parts."""
        return self._format.reporting(refresh) if self._format else nullcontext()

    @staticmethod
    def _handlers() -> "list[_Handler]":
        return [it for it in logging.getLogger().handlers if isinstance(it, _Handler)]

    @classmethod
    def uninstall(cls) -> None:
        """Give the root logger back to whoever had it before; tests do."""
        for handler in cls._handlers():
            logging.getLogger().removeHandler(handler)
            handler.close()
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
        logging.getLogger(AuditLog.LOGGER).setLevel(logging.INFO)  # LOG_LEVEL ends no audit log

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
        if isinstance(record.msg, dict):  # an event of structlog's, of a library that was there first
            record.msg = self.redactor.event(record.msg)
        elif not isinstance(record.msg, _Line):
            with suppress(TypeError, ValueError):  # arguments that do not fit: logging tells
                record.msg, record.args = self.redactor.text(record.getMessage()), ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = self.redactor.text(logging.Formatter().formatException(record.exc_info))
        return record

    def _render(self, *, is_json: bool) -> list[Processor]:
        # Without locals: they hold keys and what users wrote.
        traces = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        steps: list[Processor] = [
            traces if is_json else structlog.processors.format_exc_info,
            lambda _, __, event: self.redactor.event(event),
        ]
        if told := self._format:
            steps.append(lambda _, __, event: told.line(event))
        if is_json:
            return [*steps, structlog.processors.JSONRenderer(serializer=self._dump)]
        return [*steps, structlog.dev.ConsoleRenderer(colors=sys.platform != "win32")]

    @staticmethod
    def _tidy(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Without what other handlers and uvicorn leave on a record: the event says it already."""
        for name in ("message", "asctime", "color_message"):
            event.pop(name, None)
        return event

    @staticmethod
    def _dump(event: EventDict, **_: object) -> str:
        try:
            return orjson.dumps(event).decode()
        except TypeError:  # a lone surrogate or an integer of more than 64 bits
            return json.dumps(event)


class _Line(str):
    """An event of ours, masked and rendered."""

    __slots__ = ()


class _Handler(logging.StreamHandler[TextIO]):
    """Our handler, distinct from those of test runners."""

    writer: LineWriter | None = None

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
        """Write the line of a record, or have it written."""
        if self.writer is None:
            super().emit(record)
            return
        try:
            self.writer.write(f"{self.format(record)}{self.terminator}")
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)

    def flush(self) -> None:
        """Wait for what has it written; `logging` asks at the process's end."""
        if self.writer:
            self.writer.flush()
        else:
            super().flush()

    def close(self) -> None:
        """End the writer."""
        super().close()
        if self.writer:
            self.writer.close()

    def format(self, record: logging.LogRecord) -> str:
        """The line of a library's record; an event of ours is one already."""
        return record.msg if isinstance(record.msg, _Line) else super().format(record)
