"""Tests of `command`, `serve` and `store`."""

import asyncio
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from app.main import create_app
from harness.cli import main
from harness.cli.serve import Serve
from harness.project import Project
from harness.settings import Settings
from harness.storage.checkpoint_ids import CheckpointIds
from harness.storage.sqlite import Checkpoints
from harness.storage.store import Feedback
from tests.harness.storage.test_store import keep, knows, of


def test_every_problem_is_one_line_on_stderr_and_the_exit_code_is_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "99999")
    monkeypatch.setenv("LLM_MODEL", "no provider")
    monkeypatch.setenv("LLM_TIMEOUT_SECONDS", "soon")
    assert main(["serve"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    names = [line.split(":")[0] for line in told.err.splitlines()]
    assert sorted(names) == ["LLM_MODEL", "LLM_TIMEOUT_SECONDS", "PORT"]
    assert "99999" not in told.err


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["ask"], ["settings", "--format", "x"]])
def test_a_command_line_that_is_not_understood_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    project = Project.load()
    assert capsys.readouterr().out.strip() == f"{project.name} {project.version}"


def test_the_package_runs_as_a_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["app", "agents"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("app", run_name="__main__")
    assert ended.value.code == 0
    assert "Agent" in capsys.readouterr().out


def test_a_start_that_is_refused_shows_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}")
    handler = signal.getsignal(signal.SIGTERM)
    assert main(["serve", "--port", str(free_port())]) == 2
    told = capsys.readouterr().err
    assert told.startswith("DATABASE_URL: cannot open")
    assert len(told.splitlines()) == 1
    assert signal.getsignal(signal.SIGTERM) is handler


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
    server: tuple[subprocess.Popen[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
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


def test_a_port_that_is_taken_is_one_sentence_before_anything_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/threads.sqlite")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments in (["--port", port], ["--port", port, "--reload"]):
            assert main(["serve", *arguments]) == 2
            told = capsys.readouterr()
            assert told.err == f"PORT={port} is taken by another process; end it, or serve at another one: --port\n"
            assert told.out == ""
    assert not (tmp_path / "threads.sqlite").exists()


def test_an_address_of_another_machine_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "192.0.2.1"]) == 2
    assert capsys.readouterr().err.startswith("HOST=192.0.2.1: ")


def test_a_change_of_the_code_starts_the_server_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def run(application: str, **options: Any) -> None:
        asked.update(options, application=application)

    monkeypatch.setattr(uvicorn, "run", run)
    port = str(free_port())
    assert main(["serve", "--reload", "--host", "localhost", "--port", port]) == 0
    assert (asked["host"], asked["port"], asked["reload"]) == ("localhost", int(port), True)
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
    monkeypatch.setenv("PORT", str(free_port()))
    password = "hunter" + "2-4711"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://someone:{password}@127.0.0.1:1/threads")
    for arguments in (["serve"], ["serve", "--workers", "2"]):
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert "DATABASE_URL: cannot use PostgreSQL at 127.0.0.1" in told
        assert password not in told
        assert "Traceback" not in told


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/threads.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("database_url")
    monkeypatch.setenv("DATABASE_URL", url)
    return url


async def fill(days: dict[str, int]) -> None:
    async with Checkpoints.open(Settings()) as store:
        for thread_id, age in days.items():
            first = CheckpointIds.first(datetime.now(UTC) - timedelta(days=age))
            await keep(store, thread_id, first + str(uuid6())[len(first) :])


async def known(threads: list[str]) -> list[str]:
    async with Checkpoints.open(Settings()) as store:
        return [it for it in threads if await knows(store, it)]


@pytest.mark.parametrize(("arguments", "left"), [(["--days", "5"], ["d1"]), ([], ["d1", "d10"])], ids=["given", "set"])
def test_threads_older_than_the_limit_are_deleted(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], left: list[str]
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "20")
    ages = {"d1": 1, "d10": 10, "d30": 30}
    asyncio.run(fill(ages))
    assert main(["retention", *arguments]) == 0
    assert capsys.readouterr().out == f"{len(ages) - len(left)} threads deleted\n"
    assert asyncio.run(known(list(ages))) == left


def test_a_limit_that_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retention", "--days", "0"]) == 2
    assert "RETENTION_DAYS" in capsys.readouterr().err


NOW = time.time()
DAY = 24 * 3600


async def rate() -> None:
    async with Checkpoints.open(Settings()) as store:
        for run_id, age_days in (("new", 0), ("old", 10)):
            config = of(f"{'a' * 32}:t1")
            config["metadata"] = {"run_id": run_id}
            await store.saver.aput(config, empty_checkpoint(), {}, {})
            told = Feedback(run_id, f"{'a' * 32}:t1", "up", "fine", NOW - age_days * DAY)
            assert await store.save_feedback(told)


@pytest.fixture
def _rated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/threads.sqlite")
    asyncio.run(rate())


@pytest.mark.checklist("OBS-6")
@pytest.mark.usefixtures("_rated")
@pytest.mark.parametrize(("days", "found"), [(None, ["old", "new"]), (-1, ["new"]), (1, [])])
def test_ratings_are_printed_as_json_lines(
    capsys: pytest.CaptureFixture[str], days: int | None, found: list[str]
) -> None:
    moment = datetime.fromtimestamp(NOW + (days or 0) * DAY, UTC).replace(tzinfo=None)
    assert main(["feedback", *(("--since", moment.isoformat()) if days else ())]) == 0
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [it["run_id"] for it in lines] == found
    for line in lines:
        assert (line["owner"], line["thread_id"]) == ("a" * 32, "t1")
        assert (line["rating"], line["comment"]) == ("up", "fine")
        assert datetime.fromisoformat(line["given_at"]).tzinfo is not None


@pytest.mark.usefixtures("_rated")
def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["feedback", "--since", "yesterday"])
    assert "--since" in capsys.readouterr().err
