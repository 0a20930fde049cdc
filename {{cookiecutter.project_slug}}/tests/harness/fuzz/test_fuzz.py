"""The fuzz test runs against real services, and an answer that the description does not know fails it."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.harness.fuzz import __main__ as fuzz
from tests.harness.fuzz.__main__ import MISSING, ask, main, program
from tests.support.processes import serving

needs_schemathesis = pytest.mark.skipif(program() is None, reason=MISSING)

DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "planted", "version": "1"},
    "paths": {"/thing": {"get": {"responses": {"200": {"description": "It is there."}}}}},
}


class Broken(BaseHTTPRequestHandler):
    """A service that describes itself and fails."""

    def do_GET(self) -> None:
        is_description = self.path == "/openapi.json"
        body = json.dumps(DESCRIPTION if is_description else {"title": "planted"}).encode()
        self.send_response(200 if is_description else 500)
        self.send_header("Content-Type", "application/json")
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


@needs_schemathesis
@pytest.mark.checklist("ABU-2")
def test_every_answer_is_as_the_description_says() -> None:
    with serving({"DATABASE_URL": "memory://"}, ["tests.support.served"]) as host:
        done = ask(host, 5)
    assert done.returncode == 0, done.stdout
    assert re.search(r"([1-9]\d+) selected / \1 total", done.stdout)


@needs_schemathesis
def test_an_answer_that_fails_is_found(broken_service: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--host", broken_service, "--examples", "2", "--header", "X-API-Key:k"]
    assert main(arguments) == 1
    assert "Server error" in capsys.readouterr().out


def test_without_schemathesis_the_tool_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(fuzz, "FOLDER", tmp_path)
    assert main([]) == 2
    assert "nox -s fuzz" in capsys.readouterr().err
