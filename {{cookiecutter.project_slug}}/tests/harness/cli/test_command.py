import runpy
import signal
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.project import Project


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


def test_the_package_runs_as_a_module(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert main(["serve", "--port", "1"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("DATABASE_URL: cannot open")
    assert len(told.splitlines()) == 1
    assert signal.getsignal(signal.SIGTERM) is handler
