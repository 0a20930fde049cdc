"""A reader of the log that stalls, comes back, or leaves; over HTTP in `test_stalled_logs.py`."""

import fcntl
import io
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from harness.telemetry.line_writer import LineWriter
from harness.telemetry.metrics import LOG_LINES_DROPPED

PATIENCE_SECONDS = 10
PIPE_BYTES = 4096


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield reading, writing
    for end in (reading, writing):
        with suppress(OSError):
            os.close(end)


def dropped() -> float:
    (family,) = LOG_LINES_DROPPED.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


def test_lines_are_written_in_order_and_a_flush_waits_for_them(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], "utf-8", 10_000)
    for number in range(50):
        writer.write(f"línea {number} \udc80\n")
    writer.flush()
    lines = os.read(pipe[0], 65_536).decode().splitlines()
    assert lines == [f"línea {number} \\udc80" for number in range(50)]
    writer.close()


def test_nobody_waits_for_a_reader_that_stalls_and_it_hears_how_much_was_dropped(pipe: tuple[int, int]) -> None:
    before = dropped()
    writer = LineWriter(pipe[1], "utf-8", 3 * PIPE_BYTES)
    line = "x" * 99 + "\n"
    began = time.monotonic()
    for _ in range(1000):
        writer.write(line)
    assert time.monotonic() - began < PATIENCE_SECONDS
    lost = int(dropped() - before)
    assert 1000 - lost <= 4 * PIPE_BYTES / len(line) + 1
    with capture_logs() as told:
        text = b""
        while len(text) < (1000 - lost) * len(line):
            text += os.read(pipe[0], 65_536)
        last = time.monotonic() + PATIENCE_SECONDS
        while not told:
            assert time.monotonic() < last
    assert [(it["event"], it["lines"]) for it in told] == [("log_lines_dropped", lost)]
    writer.write("after\n")
    assert os.read(pipe[0], 65_536) == b"after\n"
    writer.close()


def test_at_the_end_a_reader_that_stalls_is_waited_for_a_while_only(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LineWriter, "LAST_SECONDS", 0.05)
    writer = LineWriter(pipe[1], "utf-8", 10 * PIPE_BYTES)
    writer.write("x" * 5 * PIPE_BYTES)
    began = time.monotonic()
    writer.close()
    assert time.monotonic() - began < PATIENCE_SECONDS
    os.close(pipe[0])
    writer.thread.join(PATIENCE_SECONDS)  # it counts what it could not write


def test_a_reader_that_left_costs_lines_and_nothing_else(pipe: tuple[int, int]) -> None:
    before = dropped()
    writer = LineWriter(pipe[1], "utf-8", 10_000)
    os.close(pipe[0])
    writer.write("a\n")
    writer.flush()
    assert dropped() == before + 1
    writer.close()


def test_what_never_stalls_is_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        assert LineWriter.over(file, 1024) is None
    assert LineWriter.over(io.StringIO(), 1024) is None
