"""A small project in a git repository of its own."""

import os
import subprocess
from pathlib import Path

import pytest

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
    '\n[tool.x]\nversion = "9"\n',
    "CHANGELOG.md": "# Changelog\n\nText.\n\n## Unreleased\n\n- Something new.\n",
    "uv.lock": 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
    '\n[[package]]\nname = "shop"\nversion = "0.1.0"\nsource = { virtual = "." }\n',
    "src/app/project.json": '{"name": "shop"}',
    ".gitignore": "secrets/\n",
}


class Shop:
    """The repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")
        self.commit("Begin")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            check=True,
            capture_output=True,
            encoding="utf-8",
            env=environment,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def tag(self, *versions: str) -> None:
        for version in versions:
            self.commit(version)
            self.git("tag", "--annotate", f"v{version}", "--message", version)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")
