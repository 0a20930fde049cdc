import subprocess
import sys
from pathlib import Path

import pytest

from tools import lock
from tools.lock import CHECKS_LOCK, DEV_LOCK, LOAD_LOCK, RUNTIME_LOCK, Lock


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run: resolving asks a package index."""
    noted: list[list[str]] = []

    def note(command: list[str], **_: object) -> None:
        noted.append(command)

    monkeypatch.setattr(subprocess, "run", note)
    return noted


def after(option: str, command: list[str]) -> list[str]:
    return [command[at + 1] for at, word in enumerate(command) if word == option]


def test_the_files_hold_hashes_for_every_platform(
    commands: list[list[str]], tmp_path: Path
) -> None:
    Lock(tmp_path, Path("python")).write()
    files = [after("--output-file", command) for command in commands]
    assert files == [[RUNTIME_LOCK], [DEV_LOCK], [LOAD_LOCK], [CHECKS_LOCK]]
    for command in commands:
        assert {"--universal", "--generate-hashes", "--no-emit-index-url"} <= set(command)


def test_the_versions_are_those_the_template_was_tested_with(
    commands: list[list[str]], tmp_path: Path
) -> None:
    Lock(tmp_path, Path("python")).write()
    assert all("constraints.txt" in after("--constraints", command) for command in commands)


def test_the_development_file_keeps_the_runtime_versions(
    commands: list[list[str]], tmp_path: Path
) -> None:
    Lock(tmp_path, Path("python")).write(upgrade=True)
    runtime, development, load, checks = commands
    assert after("--group", development) == ["dev"]
    assert after("--constraints", development) == [RUNTIME_LOCK]
    assert after("--group", load) == ["load"]
    assert after("--constraints", load) == [DEV_LOCK]
    assert after("--group", checks) == ["checks"]
    assert after("--constraints", checks) == [DEV_LOCK]
    assert "--group" not in runtime


def test_an_upgrade_leaves_the_tested_versions_behind(
    commands: list[list[str]], tmp_path: Path
) -> None:
    Lock(tmp_path, Path("python")).write(upgrade=True)
    assert all("--upgrade" in command for command in commands)
    assert not any("constraints.txt" in command for command in commands)


def test_an_unknown_argument_is_refused_and_named(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lock.py", "--upgarde"])
    assert lock.main() == 2
    assert "--upgarde" in capsys.readouterr().err
    assert commands == []


def test_the_command_says_which_files_to_commit(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lock.py", "--upgrade"])
    assert lock.main() == 0
    assert (
        "requirements.txt, requirements-dev.txt, requirements-load.txt and requirements-checks.txt"
        in capsys.readouterr().out
    )
    assert len(commands) == 4


def test_a_set_of_versions_that_does_not_exist_fails_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(sys, "argv", ["lock.py"])
    assert lock.main() == 1
