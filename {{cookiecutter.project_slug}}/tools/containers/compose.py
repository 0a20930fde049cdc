"""The service with its stores on one machine, as compose.yaml has it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .engine import Engine, Failed, Missing
from .image import Image


class Compose:
    """Runs compose.yaml; COMPOSE_FILE and COMPOSE_PROJECT_NAME mean what they always mean."""

    SERVICE: Final = "service"
    """Its name in compose.yaml."""

    SECRETS: Final = Path("secrets")

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
        self._run("none", "down")

    def running_tag(self) -> str:
        """The tag of the image that runs; empty when none does."""
        project = os.environ.get("COMPOSE_PROJECT_NAME") or self._image.own_name
        return self._engine.image_of(self.SERVICE, project).rpartition(":")[2]

    def _run(self, tag: str, *arguments: str) -> None:
        settings = {"IMAGE": self._image.name, "TAG": tag}
        self._engine.run([*self._command, *arguments], folder=self._folder, settings=settings)
