"""The front door without make: ``python tools/run.py demo``, ``new``, ``test``, or ``nox -s render``.

Needs nothing but Python: makes ``.venv`` beside this checkout, installs the pinned tools that the command needs (by
hash), then runs the command there.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOWEST_PYTHON = (3, 11)
# Command -> the requirements that it needs, and what runs in .venv.
COMMANDS = {
    "demo": ("generate", ["-m", "tools.demo"]),
    "new": ("generate", ["-m", "tools.new"]),
    "test": ("test", ["-m", "nox"]),
    "nox": ("test", ["-m", "nox"]),
}


def interpreter():
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(requirements):
    """Brings .venv to ``requirements/NAME.txt``; does nothing when that very file was installed last."""
    path = ROOT / "requirements" / f"{requirements}.txt"
    stamp = ENVIRONMENT / f"{requirements}.sha256"
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    if interpreter().is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return
    print(f"Installing the template's tools ({path.name}) into {ENVIRONMENT}", file=sys.stderr, flush=True)
    if not interpreter().is_file():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(interpreter()), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--require-hashes", "--requirement", str(path)], check=True)
    stamp.write_text(wanted, encoding="ascii")


def main(arguments):
    if sys.version_info < LOWEST_PYTHON:
        lowest = ".".join(str(part) for part in LOWEST_PYTHON)
        print(f"Python {lowest} or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python tools/run.py {'|'.join(COMMANDS)} [options]", file=sys.stderr)
        return 2
    requirements, command = COMMANDS[arguments[0]]
    try:
        install(requirements)
    except subprocess.CalledProcessError:
        print("The tools could not be installed; pip's words are above.", file=sys.stderr)
        return 1
    # What subprocesses call as `git` or `make` stays as it is; tools are called through this interpreter.
    try:
        return subprocess.run([str(interpreter()), *command, *arguments[1:]], cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
