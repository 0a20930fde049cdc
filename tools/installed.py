"""Installs a generated project as its user does: by make, or without make by the lines that its Makefile names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def install_project(project: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """What the installation said; its own `.venv` is there when it succeeded."""
    base = getattr(sys, "_base_executable", sys.executable)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "NOX"))}
    environment |= {"UV_PYTHON": base, **settings}
    if shutil.which("make"):
        commands: tuple[tuple[str, ...], ...] = (("make", "install", f"PYTHON={base}"),)
    else:
        uv = (sys.executable, "-m", "uv")
        tested = ("--requirements", os.devnull, "--constraints", "tools/tested.txt")
        commands = ((*uv, "add", "--quiet", "--no-sync", *tested), (*uv, "sync", "--locked"))
    done = subprocess.CompletedProcess[str]((), 0, "")
    for command in commands:
        done = subprocess.run(
            command, cwd=project, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            break
    return done


def interpreter(project: Path) -> Path:
    """The Python of a project's own environment."""
    return project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
