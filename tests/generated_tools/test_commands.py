import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def make_targets() -> dict[str, str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):.*##.*\n\t@(.*)$", text, re.MULTILINE))


def nox_sessions(folder: Path = ROOT) -> set[str]:
    command = [sys.executable, "-m", "nox", "--list"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    plain = re.sub(r"\x1b\[\d+m", "", listed.stdout)
    return set(re.findall(r"^[*-] (\w+)", plain, re.MULTILINE))


def test_no_one_needs_make_because_each_target_is_a_nox_session_or_a_tool_that_needs_none() -> None:
    targets = make_targets()
    bare = {name for name, command in targets.items() if command.startswith(("$(PYTHON) ", "$(UV) "))}
    containers = {"image", "secrets", "key", "revoke", "up", "down"}
    assert bare == {"install", "lock", "patch", "updated", "sbom", "release", "rollback"} | containers
    assert targets.keys() - bare - {"help"} == nox_sessions()
    for name in nox_sessions():
        assert targets[name].split(" -- ")[0] == f"$(NOX) {name}"


def test_a_session_of_what_was_not_chosen_is_not_there(tmp_path: Path) -> None:
    for name in ("noxfile.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    assert nox_sessions() - nox_sessions(tmp_path) == {"load", "abuse", "fuzz", "mcp"}


def test_a_commit_is_checked_by_the_tools_of_the_environment_with_no_download() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    [repository] = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local"
    names = {hook["id"] for hook in repository["hooks"]}
    assert {"isort", "black", "ruff", "mypy", "scan"} <= names
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith("sh -c 'exec .venv/*/python ")


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh on this system")
def test_a_hook_runs_the_environments_own_python_with_the_files(tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = {it["id"]: it["entry"] for it in yaml.safe_load(text)["repos"][0]["hooks"]}
    command = [*shlex.split(entries["black"]), "a b.py", "c.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "-m black --quiet a b.py c.py\n"
