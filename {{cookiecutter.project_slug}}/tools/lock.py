"""Writes requirements.txt and those of the dependency groups: every version with its hashes.

Run by `python tools/install.py` when they are missing and by `nox -s lock` to refresh them. The versions are
those of constraints.txt, the set that the template was tested with; with `--upgrade` the newest that
pyproject.toml allows. The files hold for every platform and name no package index: yours is asked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNTIME_LOCK = "requirements.txt"
DEV_LOCK = "requirements-dev.txt"
LOAD_LOCK = "requirements-load.txt"
CHECKS_LOCK = "requirements-checks.txt"


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
        self._compile(RUNTIME_LOCK, [], upgrade=upgrade)
        # The second is a superset of the first, so its runtime versions are held to the first.
        self._compile(DEV_LOCK, ["--group", "dev", "--constraints", RUNTIME_LOCK], upgrade=upgrade)
        # Installed on top of the second, by `nox -s load` alone.
        self._compile(LOAD_LOCK, ["--group", "load", "--constraints", DEV_LOCK], upgrade=upgrade)
        # So is this one, by `nox -s docs` and `nox -s security`.
        checks = ["--group", "checks", "--constraints", DEV_LOCK]
        self._compile(CHECKS_LOCK, checks, upgrade=upgrade)

    def _compile(self, name: str, extra: list[str], *, upgrade: bool) -> None:
        versions = ["--upgrade"] if upgrade else ["--constraints", "constraints.txt"]
        command = [
            str(self._python),
            *("-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"),
            *("--universal", "--generate-hashes", "--no-emit-index-url"),
            *("--annotation-style", "line", "--custom-compile-command", "nox -s lock"),
            *("--output-file", name),
            *versions,
            *extra,
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
    print(f"Wrote {RUNTIME_LOCK}, {DEV_LOCK}, {LOAD_LOCK} and {CHECKS_LOCK}: commit them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
