"""The image, and what runs of it on one machine: `python -m tools.containers image`, `up`, `down`.

Needs Docker or podman and nothing of the environment, so that a machine which only runs the service installs nothing.
IMAGE names the image, with its registry; BUILD_OPTIONS, BASE_IMAGE and CONTAINER_ENGINE are read as well.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

from . import ROOT

ENGINES = ("docker", "podman")
PATIENCE_SECONDS = 120.0
"""Longest start, seconds: images are on the machine, a start takes about three."""

ASSIGNMENT = r"""(?mx)^[ \t]* (?:export[ \t]+)? %s [ \t]*=[ \t]*
    (?: '([^'\n]*)' | "([^"\n]*)" | ([^\#\n]*?) ) [ \t]* (?:\#.*)?$"""
"""A line of `.env` that sets one variable."""


class Failed(SystemExit):
    """A step could not be done: it ends the command with its text, which says why, or what to do."""


class Missing(Failed):
    """A program is not on this machine."""


def ask(*command: str, folder: Path | None = None) -> str:
    """What a command prints, stripped; `Failed` with its own words when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, encoding="utf-8")
    if done.returncode:
        raise Failed(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def works(*command: str) -> bool:
    """True when a command is there and succeeds."""
    return bool(shutil.which(command[0])) and not subprocess.run(command, capture_output=True, check=False).returncode


def do(*command: str, folder: Path, **settings: str) -> None:
    """Run a command whose words the user reads; `Failed` when it fails."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, check=False)
    if done.returncode:
        raise Failed(f"`{' '.join(command[:3])} ...` ended with {done.returncode}")


def engine() -> str:
    """Docker or podman, whichever works here. `Missing`: neither does."""
    names = [os.environ["CONTAINER_ENGINE"]] if "CONTAINER_ENGINE" in os.environ else ENGINES
    if name := next((it for it in names if works(it, "info")), ""):
        return name
    raise Missing(f"neither {' nor '.join(names)} works here: install one, or start its service")


def is_podman(program: str) -> bool:
    """True for podman, also where it is called docker: then it says `docker version 5.1.0`, Docker itself `Docker ...`."""
    return ask(program, "--version").startswith(ENGINES)


class Source(NamedTuple):
    """One state of the repository."""

    folder: Path
    version: str
    commit: str
    """With `-changed` where files differ from it; `unknown` outside git."""
    is_release: bool
    """True for exactly what the tag of this version holds."""

    @property
    def tag(self) -> str:
        """The version for a release; else with the commit, so that it never passes for one."""
        return self.version if self.is_release else f"{self.version}-{self.commit}"

    @classmethod
    def of(cls, folder: Path) -> "Source":
        """The files in `folder` as they are."""
        version = cls._version(folder)
        try:
            commit = ask("git", "rev-parse", "--short=12", "HEAD", folder=folder)
            tags = ask("git", "tag", "--points-at", "HEAD", folder=folder).split()
            changed = ask("git", "status", "--porcelain", folder=folder)
        except (Failed, OSError):
            return cls(folder, version, "unknown", is_release=False)
        commit += "-changed" if changed else ""
        return cls(folder, version, commit, is_release=not changed and f"v{version}" in tags)

    @classmethod
    @contextmanager
    def at(cls, folder: Path, version: str) -> Iterator["Source"]:
        """The files as the tag of a release holds them, in a folder that lives while this is entered."""
        tag = f"refs/tags/v{version}"
        if not works("git", "-C", str(folder), "rev-parse", "--verify", tag):
            raise Failed(f"git knows no tag v{version}")
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch, "files")
            ask("git", "archive", f"--output={made}.zip", tag, folder=folder)
            shutil.unpack_archive(f"{made}.zip", made)
            commit = ask("git", "log", "-1", "--abbrev=12", "--format=%h", tag, folder=folder)
            yield cls(made, cls._version(made), commit, is_release=True)

    @staticmethod
    def _version(folder: Path) -> str:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])


class Service:
    """The image of one project, and the service of compose.yaml that runs it."""

    def __init__(self, folder: Path) -> None:
        self.engine = engine()
        self.folder = folder
        self._project = str(json.loads((folder / "src/app/project.json").read_bytes())["name"])
        self.image = os.environ.get("IMAGE") or self._project

    def build(self, source: Source) -> str:
        """Build the image; its full name."""
        if not (source.folder / "uv.lock").is_file():
            raise Failed("uv.lock is missing: run `make lock` and commit it")
        name = f"{self.image}:{source.tag}"
        arguments = {"VERSION": source.version, "COMMIT": source.commit}
        if "BASE_IMAGE" in os.environ:
            arguments["BASE_IMAGE"] = os.environ["BASE_IMAGE"]
        options = shlex.split(os.environ.get("BUILD_OPTIONS", ""))
        # One time for all files, the same for ever: the same tree gives the same bytes.
        if is_podman(self.engine):
            options += ["--format", "docker", "--timestamp", "0"]  # only it keeps the health check
        else:
            arguments["SOURCE_DATE_EPOCH"] = "0"
        options += [word for it in arguments.items() for word in ("--build-arg", "=".join(it))]
        do(self.engine, "build", "--tag", name, *options, ".", folder=source.folder)
        return name

    def provide(self, version: str) -> str:
        """The image of a release, from this machine, the registry or, failing both, built from its tag."""
        name = f"{self.image}:{version}"
        if self.has(name) or ("/" in name and works(self.engine, "pull", name)):
            return name
        with Source.at(self.folder, version) as source:
            return self.build(source)

    def has(self, name: str) -> bool:
        """True when the image lies on this machine."""
        return works(self.engine, "image", "inspect", name)

    def compose(self) -> Sequence[str]:
        """The command that reads compose.yaml. `Missing`: there is none."""
        if works(self.engine, "compose", "version"):
            return (self.engine, "compose")
        if is_podman(self.engine) and shutil.which("podman-compose"):
            return ("podman-compose",)
        raise Missing(f"`{self.engine} compose` is not installed: install the compose plugin")

    def up(self, tag: str, version: str, *options: str) -> str:
        """Start or replace what runs, and wait until this version answers; its commit."""
        if not (self.folder / "secrets").is_dir():
            raise Failed("there are no secrets yet: run `make secrets` first, once")
        settings = {"IMAGE": self.image, "TAG": tag}
        do(*self.compose(), "up", "--detach", *options, folder=self.folder, **settings)
        last, told = time.monotonic() + PATIENCE_SECONDS, {}
        address = f"http://127.0.0.1:{self.setting('PORT') or 8000}/version"
        while time.monotonic() < last:
            try:
                with urllib.request.urlopen(address, timeout=2) as reply:  # nosec B310
                    told = json.load(reply)
            except (OSError, ValueError):
                told = {}
            if told.get("version") == version:
                return str(told.get("commit", "unknown"))
            time.sleep(0.2)
        raise Failed(f"{address} does not answer with {version}, but {told or 'not at all'}")

    def down(self) -> None:
        """Stop all of it, also what runs of a profile that is not named; what it keeps stays."""
        profiles = f"monitoring,{self.setting('COMPOSE_PROFILES')}".strip(",")
        settings = {"IMAGE": self.image, "TAG": "none", "COMPOSE_PROFILES": profiles}
        do(*self.compose(), "down", folder=self.folder, **settings)

    def running(self) -> str:
        """The full name of the image that runs; empty when none does."""
        project = self.setting("COMPOSE_PROJECT_NAME") or self._project
        labels = {"project": project, "service": "service"}
        wanted = [f"--filter=label=com.docker.compose.{key}={it}" for key, it in labels.items()]
        # `ps` itself shows an id where another image has the name by now.
        found = ask(self.engine, "ps", "--quiet", *wanted).split()[:1]
        facts = json.loads(ask(self.engine, "inspect", *found)) if found else []
        return "".join(it["Config"]["Image"] for it in facts)

    def setting(self, name: str) -> str:
        """A variable as compose reads it: from the environment, or else from `.env`."""
        if name in os.environ or not (file := self.folder / ".env").is_file():
            return os.environ.get(name, "")
        lines = re.findall(ASSIGNMENT % name, file.read_text(encoding="utf-8"))
        return "".join(lines[-1]) if lines else ""


def main(command: str = "", version: str = "", *, folder: Path = ROOT) -> None:
    """Run `image` or `up`, of a release or of these files, or `down`."""
    service, source = Service(folder), Source.of(folder)
    if command == "down":
        service.down()
    elif command == "image":
        with Source.at(folder, version) if version else nullcontext(source) as wanted:
            print(f"Built {service.build(wanted)}")
    elif command == "up":
        if version:
            service.provide(version)
        elif not (source.is_release and service.has(f"{service.image}:{source.tag}")):
            service.build(source)
        commit = service.up(version or source.tag, version or source.version)
        print(f"Version {version or source.version}, commit {commit}, answers")
    else:
        raise Failed("say image, up or down, and a version where it is a release's")


if __name__ == "__main__":
    main(*sys.argv[1:3])
