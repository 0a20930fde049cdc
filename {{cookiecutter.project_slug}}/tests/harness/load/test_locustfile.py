"""TEST-7: the load test runs against a real service, reports, counts what is degraded, fails on errors."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from tests.harness.load.__main__ import MISSING, ask, is_installed, main
from tests.support.processes import serving

needs_locust = pytest.mark.skipif(not is_installed(), reason=MISSING)

PATIENCE_SECONDS = 30
"""What ends a run is its number of requests; the time is for a machine that stands still."""

KEY = NewKey.make("load", [Scope.CHAT], None)

EXAMPLES = {"en": ["How many moons has Mars?"], "es": ["¿Cuántas lunas tiene Marte?"]}


class Broken(BaseHTTPRequestHandler):
    """A service that lists its agents and fails at every question."""

    def do_GET(self) -> None:
        self._answer(200, [{"name": "moons", "examples": EXAMPLES}])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(500, {"title": "planted"})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@pytest.fixture
def broken_service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def figures(table: str, row: str) -> dict[str, float]:
    """One row of the table by its column."""
    lines = [line.strip("| \n").split(" | ") for line in table.splitlines() if line.startswith("|")]
    columns = ["name", *lines[0]]
    cells = next(line for line in lines if line[0] == row)
    return {name: float(cell) for name, cell in zip(columns[1:], cells[1:], strict=True)}


@needs_locust
@pytest.mark.checklist("TEST-7")
def test_a_short_run_reports_speed_errors_and_degraded_answers() -> None:
    # Two of the agents of the tests answer, two are broken: degraded, yet no errors.
    with serving({"DATABASE_URL": "memory://"}, ["tests.support.served"]) as host:
        done = ask(host, users=4, seconds=PATIENCE_SECONDS, requests=40)
    assert done.returncode == 0, done.stdout
    everything = figures(done.stdout, "all")
    assert everything["requests"] >= 40
    assert everything["requests/s"] > 0
    assert 0 < everything["p50 ms"] <= everything["p95 ms"] <= everything["p99 ms"]
    assert everything["errors"] == 0
    assert re.search(r"^[1-9]\d* degraded answers \(.*source_unavailable \d+", done.stdout, re.MULTILINE)


@needs_locust
@pytest.mark.parametrize(("key", "code"), [(KEY.text, 0), ("ak_wrong", 1)], ids=["good", "wrong"])
def test_a_caller_with_a_key_sends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, code: int) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY.record.line}\n")
    monkeypatch.setenv("API_KEY", key)
    keys = {"AUTHENTICATION": "keys", "API_KEYS_FILE": str(file), "DATABASE_URL": "memory://"}
    with serving(keys, ["tests.support.served"]) as host:
        done = ask(host, users=1, seconds=PATIENCE_SECONDS, requests=code or 5)
    assert done.returncode == code, done.stdout
    assert key not in done.stdout


@needs_locust
@pytest.mark.checklist("TEST-7")
def test_a_run_with_an_error_fails_and_names_it(broken_service: str, capsys: pytest.CaptureFixture[str]) -> None:
    extent = ["--users", "1", "--seconds", str(PATIENCE_SECONDS), "--requests", "3"]
    assert main(["--host", broken_service, *extent]) == 1
    table = capsys.readouterr().out
    assert figures(table, "all")["errors"] > 0
    assert re.search(r"^- .*HTTP 500 \(\d+ times\)$", table, re.MULTILINE)


@needs_locust
def test_a_run_that_reaches_no_service_fails() -> None:
    done = ask("http://127.0.0.1:9", users=1, seconds=PATIENCE_SECONDS, requests=1)
    assert done.returncode == 1


def test_without_locust_the_tool_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([]) == 2
    assert "nox -s load" in capsys.readouterr().err
