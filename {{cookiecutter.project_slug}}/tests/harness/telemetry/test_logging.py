import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import orjson
import pytest
import structlog
from pydantic import SecretStr

from harness.settings import Settings
from harness.telemetry.logging import Logs
from harness.telemetry.redaction import MASK
from tests.conftest import Lines, shown_once

SECRET = "planted-" + "s3cret"


@pytest.fixture
def logs(lines: Lines) -> Iterator[Logs]:
    with Logs(Settings(llm_api_key=SecretStr(SECRET))) as logs:
        yield logs


def fail() -> None:
    local = SECRET
    try:
        raise ValueError(f"cause holds {local}")  # noqa: TRY301  # a cause is what is wanted
    except ValueError as cause:
        raise RuntimeError(f"error holds {local}") from cause


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_one_json_document_with_what_is_bound(logs: Logs, lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", agent="moons"):
        structlog.stdlib.get_logger("app.some").info("found\nsomething", count=3)
    (event,) = lines.events
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "found\nsomething",
        "count": 3,
        "level": "info",
        "logger": "app.some",
        "request_id": "r1",
        "agent": "moons",
    }


def test_a_librarys_lines_carry_the_same_fields(logs: Logs, lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("some.package").warning("%s of %d", "one", 2, extra={"size": 7})
    (event,) = lines.events
    assert (event["event"], event["request_id"], event["size"]) == ("one of 2", "r1", 7)
    assert event["logger"] == "some.package"


def test_an_exception_is_logged_with_its_cause_and_without_local_variables(logs: Logs, lines: Lines) -> None:
    try:
        fail()
    except RuntimeError:
        structlog.stdlib.get_logger("app.some").exception("failed")
    (event,) = lines.events
    names = [trace["exc_type"] for trace in event["exception"]]
    assert names == ["RuntimeError", "ValueError"]
    assert event["exception"][0]["exc_value"] == f"error holds {MASK}"
    assert event["exception"][1]["exc_value"] == f"cause holds {MASK}"
    assert "locals" not in event["exception"][0]["frames"][0]
    assert SECRET not in lines.text


def test_a_secret_is_masked_in_fields_of_any_depth(logs: Logs, lines: Lines) -> None:
    headers = {"authorization": "abc", "x": [SECRET]}
    structlog.stdlib.get_logger("app.some").info(SECRET, headers=headers)
    (event,) = lines.events
    assert event["event"] == MASK
    assert event["headers"] == {"authorization": MASK, "x": [MASK]}


def test_a_child_logger_with_a_handler_of_its_own_cannot_write_a_secret(lines: Lines) -> None:
    stream = StringIO()
    child = logging.getLogger("some.child")
    child.propagate = False
    with Logs(Settings(llm_api_key=SecretStr(SECRET))):
        handler = logging.StreamHandler(stream)  # added after the start, so not taken over
        child.addHandler(handler)
        try:
            fail()
        except RuntimeError:
            child.exception("failed with %s", SECRET)
            child.error("password=%s", "hunter2x")
    child.removeHandler(handler)
    assert SECRET not in stream.getvalue()
    assert f"failed with {MASK}" in stream.getvalue()
    assert f"error holds {MASK}" in stream.getvalue()
    assert f"password={MASK}" in stream.getvalue()


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_a_handler_that_somebody_adds_gets_our_lines_too_without_secrets(logs: Logs, lines: Lines) -> None:
    kept = Kept()
    logging.getLogger("app.some").addHandler(kept)
    try:
        structlog.stdlib.get_logger("app.some.module").warning("100 %s", secret=SECRET)
    finally:
        logging.getLogger("app.some").removeHandler(kept)
    (record,) = kept.records
    shown = orjson.loads(record.getMessage())
    assert (shown["event"], shown["secret"], record.levelname) == ("100 %s", MASK, "WARNING")
    assert [event["event"] for event in lines.events] == ["100 %s"]


def test_a_line_that_cannot_be_written_is_no_reason_to_fail(lines: Lines) -> None:
    closed = StringIO()
    with Logs(Settings(), closed):
        closed.close()
        structlog.stdlib.get_logger("app.some").info("said", password=SECRET)
        logging.getLogger("some.package").error("said")
    assert lines.text.count("--- Logging error ---") == 2
    assert SECRET not in lines.text


def test_a_handler_that_was_there_before_is_taken_over(lines: Lines) -> None:
    stream = StringIO()
    child = logging.getLogger("some.early")
    child.propagate = False
    child.addHandler(logging.StreamHandler(stream))
    with Logs(Settings()):
        child.warning("once")
    assert stream.getvalue() == ""
    assert [event["event"] for event in lines.events] == ["once"]


def test_an_event_of_a_library_that_had_set_up_structlog_before_is_a_line_like_any_other(lines: Lines) -> None:
    """It keeps its loggers, whose events become records as they are: those of a server that imports the service."""
    steps: list[Any] = [structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    early: Any = structlog.wrap_logger(logging.getLogger("some.server"), processors=steps)
    kept = Kept()
    with Logs(Settings(llm_api_key=SecretStr(SECRET))):
        logging.getLogger("some.server").addHandler(kept)
        early.warning("there", run_id="r1", key=SECRET)
    logging.getLogger("some.server").removeHandler(kept)
    (event,) = lines.events
    assert (event["event"], event["run_id"], event["level"], event["key"]) == ("there", "r1", "warning", MASK)
    assert SECRET not in str(kept.records[0].msg)


def test_arguments_that_do_not_fit_are_no_reason_to_fail(
    logs: Logs, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("some.package").warning("%d apples", "no number")
    logging.getLogger("some.package").warning("next")
    assert [event["event"] for event in lines.events] == ["next"]


@pytest.mark.parametrize(("value", "shown"), [("\ud800", "\ud800"), (2**70, 2**70)])
def test_what_orjson_cannot_write_is_still_logged(logs: Logs, lines: Lines, value: object, shown: object) -> None:
    structlog.stdlib.get_logger("app.some").info("odd", value=value)
    assert '"value": ' in lines.text
    assert len(lines.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("level", "verbose", "written"),
    [
        ("INFO", False, {"ours info", "theirs info", "ours error", "theirs error"}),
        ("ERROR", False, {"ours error", "theirs error"}),
        ("INFO", True, {"ours debug", "ours info", "theirs info", "ours error", "theirs error"}),
    ],
)
def test_the_level_is_a_setting_and_verbose_adds_our_debug_events(
    lines: Lines, level: str, verbose: bool, written: set[str]
) -> None:
    settings = Settings(log_level=level, enable_verbose_logging=verbose)
    with Logs(settings):
        for name, logger in (("ours", "app.some"), ("theirs", "some.package")):
            for method in ("debug", "info", "error"):
                getattr(structlog.stdlib.get_logger(logger), method)(f"{name} {method}")
                getattr(logging.getLogger("httpx"), method)("quiet below warning")
    events = {event["event"] for event in lines.events}
    assert events - {"quiet below warning"} == written


def test_a_terminal_gets_colour_and_readable_tracebacks_without_secrets() -> None:
    stream = Terminal()
    with Logs(Settings(llm_api_key=SecretStr(SECRET)), stream):
        try:
            fail()
        except RuntimeError:
            structlog.stdlib.get_logger("app.some").exception("failed", header=f"Bearer {SECRET}")
    assert "\x1b[" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("console", False)])
def test_the_format_can_be_chosen(log_format: str, is_json: bool) -> None:
    stream = Terminal() if is_json else StringIO()
    with Logs(Settings(log_format=log_format), stream):
        structlog.stdlib.get_logger("app.some").info("said")
    if is_json:
        assert orjson.loads(stream.getvalue())["event"] == "said"
    else:
        assert "said" in stream.getvalue()
        assert not stream.getvalue().startswith("{")


def test_installing_twice_writes_each_line_once(lines: Lines) -> None:
    with Logs(Settings()), Logs(Settings()):
        logging.getLogger("some.package").error("once")
    assert len(lines.events) == 1


def test_a_failing_test_shows_each_line_once() -> None:
    ours = ("Captured stderr call", '{"event":"turn"}\n')
    copy = ("Captured log call", 'INFO     app.x:x.py:1 {"event":"turn"}\n')
    alone = ("Captured log setup", "WARNING  other:y.py:2 only here\n")
    assert shown_once([ours, copy, alone]) == [ours, alone]
