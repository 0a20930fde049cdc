"""What the tests of the image need: an engine, a copy of the project as its user releases it, a service that runs."""

import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tools.containers import Service, Source, ask

PROJECT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120

RUN_OPTIONS = shlex.split(os.environ.get("RUN_OPTIONS", ""))
"""Further options of the engine's `run`; with `--network host` no port is published."""

ON_HOST = "host" in " ".join(RUN_OPTIONS)

NO_RIGHTS = (
    *("--read-only", "--tmpfs=/tmp:mode=1777"),  # podman adds one by itself, Docker does not
    *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Container:
    """One container of the image, and a client of it."""

    def __init__(self, engine: str, image: str, port: int, inside: int = 8000) -> None:
        """A container whose service listens on `inside`, and is reached at `port`; on the host's network at that alone."""
        self.engine = engine
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._image = image
        self._port = port
        self._inside = inside
        self.start_seconds = 0.0

    def start(self, *options: str) -> None:
        """Start it with no right at all and wait for its first answer."""
        where = ("-e", f"PORT={self._port}", "-e", "HOST=127.0.0.1")
        published = ("--publish", f"127.0.0.1:{self._port}:{self._inside}", "-e", f"PORT={self._inside}")
        begin = time.monotonic()
        command = ("run", "--detach", "--name", self.name, *NO_RIGHTS, *(where if ON_HOST else published), *RUN_OPTIONS)
        ask(self.engine, *command, *options, self._image)
        self.wait("/healthz")
        self.start_seconds = time.monotonic() - begin

    def wait(self, path: str) -> dict[str, Any]:
        """What it answers there, as soon as it does."""
        last = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < last:
            try:
                reply = self.client.get(path)
                if reply.is_success:
                    return dict(reply.json())
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"no answer: {self.log}")

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command says in it."""
        return subprocess.run(
            [self.engine, "exec", self.name, *command], capture_output=True, check=False, encoding="utf-8"
        )

    @property
    def log(self) -> str:
        """What it logged."""
        done = subprocess.run([self.engine, "logs", self.name], capture_output=True, check=False)
        return (done.stdout + done.stderr).decode()

    def remove(self) -> None:
        """End it, with what it kept."""
        self.client.close()
        command = [self.engine, "rm", "--force", "--volumes", self.name]
        subprocess.run(command, capture_output=True, check=False)


@contextmanager
def container(engine: str, image: str, *options: str) -> Iterator[Container]:
    """A container that answers."""
    made = Container(engine, image, free_port())
    try:
        made.start(*options)
        yield made
    finally:
        made.remove()


class Checkout:
    """A copy of this project in a repository of its own, whose releases are nobody's."""

    VERSIONS = ("7.0.0", "7.1.0")

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        self.engine = engine
        # A name of its own: no image of yours is replaced, and all of them are removed.
        self.image = f"localhost/test-{uuid.uuid4().hex[:12]}"

    def fill(self) -> None:
        """Copy what git would take, the lock files included, and commit it."""
        listed = subprocess.run(
            ["git", "-C", str(PROJECT), "ls-files", "-co", "--exclude-standard"],
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        for name in listed.stdout.splitlines():
            if (PROJECT / name).is_file():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(PROJECT / name, target)
        self.git("init", "--quiet", "--initial-branch=main")
        for key, value in {"user.name": "Test", "user.email": "test@example.com"}.items():
            self.git("config", key, value)
        self.git("config", "core.hooksPath", os.devnull)
        self.commit("Begin")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.folder), *arguments], check=True, capture_output=True)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def run(self, *module: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """One of the project's tools, as make calls it."""
        settings = {"PATH": self.programs, "IMAGE": self.image, **settings}
        return subprocess.run(
            [sys.executable, "-m", *module],
            cwd=self.folder,
            env={**os.environ, **settings},
            capture_output=True,
            check=False,
            encoding="utf-8",
        )

    @property
    def programs(self) -> str:
        """PATH with the environment's own programs: podman-compose is one."""
        return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def release(self, version: str, news: str) -> None:
        """Write what is new, and release it."""
        changelog = self.folder / "CHANGELOG.md"
        text = changelog.read_text(encoding="utf-8")
        changelog.write_text(text.replace("## Unreleased\n", f"## Unreleased\n\n- {news}\n", 1), encoding="utf-8")
        self.commit(news)
        done = self.run("tools.release", version)
        assert done.returncode == 0, done.stderr

    def build(self, version: str, *options: str) -> str:
        """Build the image of a release; its name."""
        wanted = " ".join([os.environ.get("BUILD_OPTIONS", ""), "--quiet", *options])
        with pytest.MonkeyPatch.context() as patch, Source.at(self.folder, version) as source:
            patch.setenv("BUILD_OPTIONS", wanted)
            service = Service(PROJECT)
            service.image = self.image
            return service.build(source)

    def layers(self, name: str) -> Sequence[str]:
        """The digests of an image's layers."""
        (facts,) = json.loads(ask(self.engine, "image", "inspect", name))
        return [str(digest) for digest in facts["RootFS"]["Layers"]]

    def files(self, name: str) -> Mapping[str, Sequence[object]]:
        """Every file of an image by name: its kind, rights, owner, target, and the digest of what it holds."""
        made = ask(self.engine, "create", name)
        try:
            command = [self.engine, "export", made]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as export:
                assert export.stdout is not None
                with tarfile.open(fileobj=export.stdout, mode="r|") as packed:
                    return {it.name: self._facts(packed, it) for it in packed}
        finally:
            ask(self.engine, "rm", made)

    @staticmethod
    def _facts(packed: tarfile.TarFile, file: tarfile.TarInfo) -> Sequence[object]:
        held = packed.extractfile(file) if file.isreg() else None
        digest = hashlib.sha256(held.read()).hexdigest() if held else ""
        return (file.type, oct(file.mode), file.uid, file.gid, file.linkname, digest)

    def forget(self, kind: str, name: str) -> None:
        """Remove a volume or a network, where there is one."""
        command = [self.engine, kind, "rm", "--force", name]
        subprocess.run(command, capture_output=True, check=False)

    def remove_images(self) -> None:
        """Remove what was built here."""
        of_these = f"--filter=reference={self.image}:*"
        names = ask(self.engine, "images", "--quiet", "--no-trunc", of_these)
        for name in set(names.split()):
            command = [self.engine, "rmi", "--force", name]
            subprocess.run(command, capture_output=True, check=False)
