"""A service whose log nobody reads: it answers, counts what it drops, says so later, and ends."""

import fcntl
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.processes import PATIENCE_SECONDS, Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe is set on Linux alone")

REQUESTS = 60
PIPE_BYTES = 4096


@pytest.mark.checklist("OBS-2")
@pytest.mark.slow
def test_a_log_that_nobody_reads_holds_up_no_request_and_no_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log0")  # where `Process` has it written
    reader = os.open(tmp_path / "log0", os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    service = Process({"DATABASE_URL": "memory://", "LOG_QUEUE_BYTES": str(PIPE_BYTES)}, tmp_path)
    try:
        service.wait_until_ready()
        for _ in range(REQUESTS):
            assert service.client.get("/healthz").status_code == 200
        reply = service.client.post("/v1/chat", json={"message": "How many moons has Mars?"})
        assert reply.json()["answer"] == "mars has 2 moons."
        lines = service.client.get("/metrics").text.splitlines()
        (count,) = [it.split()[1] for it in lines if it.startswith("log_lines_dropped_total{")]
        assert float(count) > REQUESTS / 2
        text, last = b"", time.monotonic() + PATIENCE_SECONDS
        while b"log_lines_dropped" not in text:
            assert time.monotonic() < last
            service.client.get("/healthz")
            with suppress(BlockingIOError):  # all is read
                text += os.read(reader, 1 << 20)
        for _ in range(REQUESTS):
            service.client.get("/healthz")
        assert service.end() == 0
    finally:
        service.close()
        os.close(reader)
