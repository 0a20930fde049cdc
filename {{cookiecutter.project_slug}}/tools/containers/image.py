"""The image of one state of the repository: what it is called, and how it is built."""

import io
import json
import os
import shlex
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .engine import Engine, Failed


@dataclass(frozen=True, slots=True)
class Source:
    """One state of the repository."""

    folder: Path
    version: str
    commit: str
    """With `-changed` where files differ from it; `unknown` outside git."""
    is_release: bool
    """True for exactly what the tag of this version holds."""

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The files in `folder` as they are."""
        commit = cls._git(folder, "rev-parse", "--short=12", "HEAD") or "unknown"
        has_changes = bool(cls._git(folder, "status", "--porcelain"))
        version = cls._version(folder)
        tags = cls._git(folder, "tag", "--points-at", "HEAD").split()
        return cls(
            folder=folder,
            version=version,
            commit=f"{commit}-changed" if has_changes else commit,
            is_release=f"v{version}" in tags and not has_changes,
        )

    @classmethod
    @contextmanager
    def at(cls, folder: Path, tag: str) -> Iterator[Self]:
        """The files as the tag holds them, in a folder that lives while this is entered.

        Raises:
            Failed: There is no such tag.
        """
        name = f"refs/tags/{tag}"
        git = ["git", "-C", str(folder), "archive", "--format=zip", name]
        packed = subprocess.run(git, capture_output=True, check=False)
        if packed.returncode:
            raise Failed(f"git knows no tag {tag}: {packed.stderr.decode().strip()}")
        with tempfile.TemporaryDirectory() as scratch:
            with zipfile.ZipFile(io.BytesIO(packed.stdout)) as files:
                files.extractall(scratch)
            yield cls(
                folder=Path(scratch),
                version=cls._version(Path(scratch)),
                commit=cls._git(folder, "log", "-1", "--abbrev=12", "--format=%h", name),
                is_release=True,
            )

    @staticmethod
    def _version(folder: Path) -> str:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])

    @staticmethod
    def _git(folder: Path, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments],
                capture_output=True,
                check=False,
                encoding="utf-8",
            )
        except FileNotFoundError:  # git is not installed
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    @property
    def tag(self) -> str:
        """The version for a release; else with the commit, so that it never passes for one."""
        return self.version if self.is_release else f"{self.version}-{self.commit}"


class Image:
    """The image of this service. IMAGE names it, with its registry where it has one."""

    OPTIONS = "BUILD_OPTIONS"
    """Variable with further options of the engine's `tool_methods`, as a shell would read them."""

    LOCKS = ("requirements-image.txt", "requirements-build.txt")

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        answers = json.loads((folder / "src/app/project.json").read_text(encoding="utf-8"))
        self.own_name = str(answers["name"])
        """The project's; compose.yaml has the same."""
        self.name = os.environ.get("IMAGE") or self.own_name

    def named(self, tag: str) -> str:
        """The image's full name."""
        return f"{self.name}:{tag}"

    def build(self, source: Source) -> str:
        """Build it; its full name.

        Raises:
            Failed: The build failed, or the lock files are missing.
        """
        missing = [name for name in self.LOCKS if not (source.folder / name).is_file()]
        if missing:
            raise Failed(f"{', '.join(missing)} is missing: run `make lock` and commit it")
        name = self.named(source.tag)
        options = [
            *("--tag", name),
            *("--build-arg", f"VERSION={source.version}"),
            *("--build-arg", f"COMMIT={source.commit}"),
            *shlex.split(os.environ.get(self.OPTIONS, "")),
        ]
        if base := os.environ.get("BASE_IMAGE"):
            options += ["--build-arg", f"BASE_IMAGE={base}"]
        # One time for all files, the same for ever: the same tree gives the same bytes.
        if self._engine.is_podman:  # only Docker's format keeps the health check
            options += ["--format", "docker", "--timestamp", "0"]
        else:
            options += ["--build-arg", "SOURCE_DATE_EPOCH=0"]
        self._engine.do("build", *options, ".", folder=source.folder)
        return name

    def provide(self, tag: str) -> str:
        """The image of a release, from this machine, the registry or, failing both, built from its tag.

        Raises:
            Failed: It cannot be built.
        """
        name = self.named(tag)
        if self._engine.has_image(name) or self._pull(name):
            return name
        with Source.at(self._folder, f"v{tag}") as source:
            return self.build(source)

    def _pull(self, name: str) -> bool:
        if "/" not in name:  # it has no registry
            return False
        try:
            self._engine.do("pull", name)
        except Failed:
            return False
        return True
