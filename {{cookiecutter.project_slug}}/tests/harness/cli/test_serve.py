import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from app.main import create_app
from harness.cli import main
from harness.cli.serve import Serve

SRC = Path(__file__).parents[3] / "src"
PATIENCE_SECONDS = 30


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process and its address, once it is ready."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    last = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < last and process.poll() is None:
        try:
            httpx2.get(f"{url}/readyz").raise_for_status()
            break
        except httpx2.TransportError:
            time.sleep(0.05)
    yield process, url
    process.kill()
    process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_a_server_keeps_threads_answers_the_command_line_and_ends_well(
    server: tuple[subprocess.Popen[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    process, url = server
    assert main(["ask", "hello", "--url", url, "--thread", "t1"]) == 0
    assert capsys.readouterr().out
    assert (tmp_path / "var" / "threads.sqlite").is_file()
    process.send_signal(signal.SIGTERM)
    _, logged = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert '"event":"started"' in logged
    assert '"event":"request"' in logged
    assert "Traceback" not in logged


def test_a_change_of_the_code_starts_the_server_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def run(application: str, **options: Any) -> None:
        asked.update(options, application=application)

    monkeypatch.setattr(uvicorn, "run", run)
    assert main(["serve", "--reload", "--host", "127.0.0.2", "--port", "8123"]) == 0
    assert (asked["host"], asked["port"], asked["reload"]) == ("127.0.0.2", 8123, True)
    assert asked["proxy_headers"] is False
    assert asked["reload_dirs"] == [str(SRC)]
    module, name = asked["application"].split(":")
    assert getattr(sys.modules[module], name) == create_app


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8001")
    monkeypatch.setenv("HOST", "127.0.0.3")
    given = Serve(port=8002)._settings
    assert (given.host, given.port) == ("127.0.0.3", 8002)


def test_no_proxy_is_trusted_but_by_our_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's
    assert Serve(port=8002)._options()["proxy_headers"] is False


def test_several_processes_over_a_store_that_keeps_no_turns_apart_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--workers", "2"]) == 2
    assert "WORKERS" in capsys.readouterr().err


def test_a_server_whose_database_is_away_does_not_start_and_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    password = "hunter" + "2-4711"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://someone:{password}@127.0.0.1:1/threads")
    for arguments in (["serve"], ["serve", "--workers", "2"]):
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert "DATABASE_URL: cannot use PostgreSQL at 127.0.0.1" in told
        assert password not in told
        assert "Traceback" not in told
