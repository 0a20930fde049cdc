import re
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


def nox_sessions() -> set[str]:
    command = [sys.executable, "-m", "nox", "--list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    plain = re.sub(r"\x1b\[\d+m", "", listed.stdout)
    return set(re.findall(r"^[*-] (\w+)", plain, re.MULTILINE))


def test_no_one_needs_make_because_each_target_is_a_nox_session_or_a_tool_that_needs_none() -> None:
    targets = make_targets()
    bare = {name for name, command in targets.items() if command.startswith("$(PYTHON) ")}
    containers = {"image", "secrets", "key", "revoke", "up", "down"}
    assert bare == {"install", "release", "rollback"} | containers
    assert targets.keys() - bare - {"help"} == nox_sessions()
    for name in nox_sessions():
        assert targets[name].split(" -- ")[0] == f"$(NOX) {name}"


def test_a_commit_is_checked_by_the_tools_of_the_environment_with_no_download() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    [repository] = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local"
    names = {hook["id"] for hook in repository["hooks"]}
    assert names == {"isort", "black", "ruff", "mypy", "scan"}
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith("sh tools/python.sh ")


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh on this system")
def test_a_missing_environment_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    command = ["sh", str(ROOT / "tools" / "python.sh"), "-m", "nox"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "run python tools/install.py" in refused.stderr
