"""The service with its stores on one machine, as compose.yaml has it."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .engine import Engine, Failed, Missing
from .image import Image


class Compose:
    """Runs compose.yaml; COMPOSE_FILE, COMPOSE_PROJECT_NAME and `.env` mean what they always mean."""

    SERVICE: Final = "service"
    """Its name in compose.yaml."""

    MONITORING: Final = "monitoring"
    """The profile of Prometheus and Grafana."""

    SECRETS: Final = Path("secrets")

    ASSIGNMENT: Final = r"""(?mx)^[ \t]* (?:export[ \t]+)? %s [ \t]*=[ \t]*
        (?: '([^'\n]*)' | "([^"\n]*)" | ([^\#\n]*?) ) [ \t]* (?:\#.*)?$"""
    """A line of `.env` that sets one variable."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._image = Image(engine, folder)
        self._command = self._find(engine)

    @classmethod
    def _find(cls, engine: Engine) -> Sequence[str]:
        own = [engine.program, "compose"]
        if subprocess.run([*own, "version"], capture_output=True, check=False).returncode == 0:
            return own
        if engine.is_podman and shutil.which("podman-compose"):
            return ["podman-compose"]
        raise Missing(f"`{' '.join(own)}` is not installed: install the compose plugin")

    def up(self, tag: str, *options: str) -> None:
        """Start or replace what runs, with the image of this tag.

        Raises:
            Failed: It did not start.
        """
        if not (self._folder / self.SECRETS).is_dir():
            raise Failed("there are no secrets yet: run `make secrets` first, once")
        self._run(tag, "up", "--detach", *options)

    def down(self) -> None:
        """Stop all of it; what it keeps stays in its volumes."""
        profiles = self._setting("COMPOSE_PROFILES")
        # What runs of a profile that is not named would stay.
        self._run("none", "down", COMPOSE_PROFILES=f"{self.MONITORING},{profiles}".strip(","))

    @property
    def port(self) -> int:
        """Where the service answers on this machine."""
        return int(self._setting("PORT") or 8000)

    def running_image(self) -> str:
        """The full name of the image that runs; empty when none does."""
        project = self._setting("COMPOSE_PROJECT_NAME") or self._image.own_name
        return self._engine.image_of(self.SERVICE, project)

    def running_tag(self) -> str:
        """Its tag."""
        return self.running_image().rpartition(":")[2]

    def _setting(self, name: str) -> str:
        """A variable as compose reads it: from the environment, or else from `.env`."""
        if name in os.environ or not (file := self._folder / ".env").is_file():
            return os.environ.get(name, "")
        lines = re.findall(self.ASSIGNMENT % name, file.read_text(encoding="utf-8"))
        return "".join(lines[-1]) if lines else ""

    def _run(self, tag: str, *arguments: str, **settings: str) -> None:
        settings |= {"IMAGE": self._image.name, "TAG": tag}
        self._engine.run([*self._command, *arguments], folder=self._folder, settings=settings)
