"""Who may import whom, by the contracts in `tools/imports.toml`; a broken one is named with its import."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .source import PROJECT

COMMAND = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def checked(source: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the two packages in `source`."""
    contracts = str(PROJECT / "tools" / "imports.toml")
    return subprocess.run(
        [sys.executable, "-c", COMMAND, contracts, "--no-cache"],
        cwd=source.parent,
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_is_allowed() -> None:
    done = checked(PROJECT / "src")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_forbidden_import_is_named(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(PROJECT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for name, line in {
        "app/main.py": "from harness.errors import Misconfigured",
        "harness/service.py": "import app.main",
        "harness/guards/output.py": "from ..http import problems",
        "harness/newcomer/__init__.py": "",
        "harness/prompts/language.py": "from .messages import LocalizedMessage",
    }.items():
        file = source / name
        file.parent.mkdir(exist_ok=True)
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(f"{text}\n{line}\n", encoding="utf-8")
    done = checked(source)
    assert done.returncode == 1
    for broken in (
        "app.main -> harness.errors",
        "harness.service -> app.main",
        "harness.guards.output -> harness.http.problems",
        "harness.newcomer",
        "harness.prompts.language -> harness.prompts.messages",
    ):
        assert broken in done.stdout
