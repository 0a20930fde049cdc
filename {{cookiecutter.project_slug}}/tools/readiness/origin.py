"""Whose readiness it is: the project's name, version and commit."""

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Origin(BaseModel):
    """What the report is about. There is no date in it: the same commit gives the same report."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    title: str
    description: str
    version: str
    """The installed distribution's; empty where it is not installed."""
    commit: str
    """`1a2b3c4`, with ` and uncommitted changes` when there are some; empty outside git."""

    @classmethod
    def of(cls, project: Path) -> "Origin":
        """Reads the identity of the project in this folder."""
        answers = json.loads((project / "src/app/project.json").read_text(encoding="utf-8"))
        try:
            installed = version(answers["name"])
        except PackageNotFoundError:
            installed = ""
        return cls(
            title=answers["title"],
            description=answers["description"],
            version=installed,
            commit=cls._commit(project),
        )

    @property
    def line(self) -> str:
        """`Version 0.1.0, commit 1a2b3c4`, as far as it is known."""
        commit = f", commit {self.commit}" if self.commit else ""
        return f"Version {self.version or 'unknown'}{commit}"

    @classmethod
    def _commit(cls, project: Path) -> str:
        commit = cls._git(project, "rev-parse", "--short", "HEAD")
        if not commit:
            return ""
        changes = cls._git(project, "status", "--porcelain")
        return f"{commit} and uncommitted changes" if changes else commit

    @staticmethod
    def _git(project: Path, *arguments: str) -> str:
        command = ["git", "-C", str(project), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:  # git is not installed
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""
