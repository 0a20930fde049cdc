"""Docker or podman: the one that works on this machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Self


class Missing(Exception):
    """A program is not on this machine; the text says what to do."""


class Failed(Exception):
    """A command of the engine ended with an error; the text is what it said."""


class Engine:
    """Runs commands of one container engine."""

    NAMES: Final = ("docker", "podman")
    """In the order in which they are tried. CONTAINER_ENGINE names another order: one."""

    FORMAT: Final = "{" + "{.%s}" + "}"
    """What both understand after `--format`."""

    def __init__(self, program: str) -> None:
        self.program = program

    @classmethod
    def find(cls) -> Self:
        """The engine of this machine.

        Raises:
            Missing: There is none, or none that answers.
        """
        chosen = os.environ.get("CONTAINER_ENGINE")
        for name in (chosen,) if chosen else cls.NAMES:
            if shutil.which(name) and cls(name).answers():
                return cls(name)
        wanted = chosen or " nor ".join(cls.NAMES)
        raise Missing(f"neither {wanted} works here: install one, or start its service")

    @cached_property
    def is_podman(self) -> bool:
        """True for podman, whose options for building differ, also where it is called `docker`."""
        # By that name it says `docker version 5.1.0`, and Docker itself `Docker version 28.0.1, ...`.
        return self.ask("--version").startswith(("podman", "docker"))

    def answers(self) -> bool:
        """True when it works; a client without its service does not."""
        return (
            subprocess.run([self.program, "info"], capture_output=True, check=False).returncode == 0
        )

    def ask(self, *arguments: str) -> str:
        """What a command prints, stripped.

        Raises:
            Failed: It ended with an error.
        """
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, check=False, encoding="utf-8"
        )
        if done.returncode:
            raise Failed(f"{self.program} {' '.join(arguments[:2])}: {done.stderr.strip()}")
        return done.stdout.strip()

    def do(
        self, *arguments: str, folder: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Run a command whose words the user reads.

        Raises:
            Failed: It ended with an error; it has said which.
        """
        self.run([self.program, *arguments], folder=folder, settings=settings)

    @staticmethod
    def run(
        command: Sequence[str],
        *,
        folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """The same with any program."""
        environment = {**os.environ, **(settings or {})}
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        if done.returncode:
            raise Failed(f"`{' '.join(command[:3])} ...` ended with {done.returncode}")

    def has_image(self, name: str) -> bool:
        """True when the image lies on this machine."""
        command = [self.program, "image", "inspect", name]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def image_of(self, service: str, project: str) -> str:
        """The image that a service of a compose project runs; empty when it does not run."""
        labels = {"project": project, "service": service}
        filters = [
            f"--filter=label=com.docker.compose.{key}={value}" for key, value in labels.items()
        ]
        running = self.ask("ps", "--quiet", *filters).split()[:1]
        # `ps` itself shows an id where another image has the name by now.
        name = ("inspect", "--format", self.FORMAT % "Config.Image")
        return self.ask(*name, *running) if running else ""
