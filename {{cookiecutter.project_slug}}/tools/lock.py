"""Writes the requirements*.txt: every version with its hashes.

Run by `python tools/install.py` when they are missing and by `nox -s lock` to refresh them. The versions are
those of constraints.txt, the set that the template was tested with; with `--upgrade` the newest that
pyproject.toml allows. The files hold for every platform and name no package index: yours is asked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "pyproject.toml"
RUNTIME_LOCK = "requirements.txt"
DEV_LOCK = "requirements-dev.txt"
LOCKS = {
    RUNTIME_LOCK: (PROJECT,),
    # A superset of the first, so its runtime versions are held to the first.
    DEV_LOCK: (PROJECT, "--group", "dev", "--constraints", RUNTIME_LOCK),
    # Installed on top of the second: by `nox -s load`, and by `nox -s docs` and `nox -s security`.
    "requirements-load.txt": (PROJECT, "--group", "load", "--constraints", DEV_LOCK),
    "requirements-checks.txt": (PROJECT, "--group", "checks", "--constraints", DEV_LOCK),
    # Alone in an environment of its own, made by `nox -s fuzz`.
    "requirements-fuzz.txt": ("--group", "fuzz"),
    # What the image runs, with the stores that several processes share, and what builds it.
    "requirements-image.txt": (
        *(PROJECT, "--extra", "postgres", "--extra", "redis"),
        *("--constraints", DEV_LOCK),
    ),
    "requirements-build.txt": ("--group", "build", "--constraints", DEV_LOCK),
}
"""File -> what is locked in it, as arguments of uv; in this order, since some are held to others."""


class Lock:
    """The lock files of one project folder."""

    def __init__(self, root: Path, python: Path) -> None:
        """Resolves for the project in `root` with the uv that is installed beside `python`."""
        self._root = root
        self._python = python

    def write(self, *, upgrade: bool = False) -> None:
        """Writes all files; a version that is locked already stays where nothing asks for another.

        Raises:
            subprocess.CalledProcessError: uv found no set of versions; it has said why on stderr.
        """
        for name, what in LOCKS.items():
            self._compile(name, what, upgrade=upgrade)

    def _compile(self, name: str, what: tuple[str, ...], *, upgrade: bool) -> None:
        versions = ["--upgrade"] if upgrade else ["--constraints", "constraints.txt"]
        command = [
            str(self._python),
            *("-m", "uv", "pip", "compile", "--quiet"),
            *("--universal", "--generate-hashes", "--no-emit-index-url"),
            *("--annotation-style", "line", "--custom-compile-command", "nox -s lock"),
            *("--output-file", name),
            *versions,
            *what,
        ]
        subprocess.run(command, cwd=self._root, check=True)


def main() -> int:
    """Writes the lock files with the uv of the Python that runs this; gives the exit code."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["--upgrade"]):
        print(f"Unknown arguments {arguments}: give none, or --upgrade.", file=sys.stderr)
        return 2
    try:
        Lock(ROOT, Path(sys.executable)).write(upgrade=bool(arguments))
    except subprocess.CalledProcessError as error:
        return error.returncode
    print(f"Wrote {', '.join(LOCKS)}: commit them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
