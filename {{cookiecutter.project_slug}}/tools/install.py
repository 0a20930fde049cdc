"""Makes the project's one environment, .venv, or brings it up to date: `python tools/install.py`.

Needs nothing but Python: pip fetches uv (the version in constraints.txt), uv writes the lock files when they
are missing and installs what they name, by hash, then the project itself. A run that finds nothing changed
takes a fraction of a second. Keep the syntax old: the first thing an old Python must do here is say so.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")


class InstallError(Exception):
    """The environment could not be made; the text says what the user may do next."""


class Environment:
    """The .venv of one project folder."""

    def __init__(self, root: Path) -> None:
        """Looks after `root`/.venv; touches nothing yet."""
        self._root = root
        self._folder = root / ".venv"
        self._stamp = self._folder / ".installed"
        windows = sys.platform == "win32"
        self.python = self._folder / ("Scripts/python.exe" if windows else "bin/python")

    def refuse_old_python(self) -> None:
        """Raises InstallError when the Python that runs this is below the project's floor."""
        text = (self._root / "pyproject.toml").read_text(encoding="utf-8")
        floor = re.search(r'^requires-python = ">=(\d+)\.(\d+)', text, re.MULTILINE)
        if floor and sys.version_info[:2] < (int(floor[1]), int(floor[2])):
            raise InstallError(
                f"This project needs Python {floor[1]}.{floor[2]} or newer; {sys.executable} is "
                f"{sys.version_info[0]}.{sys.version_info[1]}. Run it with another, for example: "
                f"make install PYTHON=python{floor[1]}.{floor[2]}"
            )

    @property
    def is_current(self) -> bool:
        """True when nothing that decides the environment changed since it was installed."""
        return (
            self.python.is_file()
            and all((self._root / name).is_file() for name in LOCKS)
            and self._stamp.is_file()
            and self._stamp.read_text(encoding="utf-8") == self._fingerprint()
        )

    def bring_up_to_date(self) -> None:
        """Makes what is missing, step by step; raises InstallError at the first that cannot be done."""
        self._stamp.unlink(missing_ok=True)
        if not self._runs_this_python():
            print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
            venv.create(self._folder, with_pip=True, clear=True)
        if not self._has_uv():
            print("Fetching uv, the installer", flush=True)
            self._run("pip", "install", "--quiet", "--constraint", "constraints.txt", "uv")
        if not all((self._root / name).is_file() for name in LOCKS):
            print("Locking the versions", flush=True)
            self._run_python("tools/lock.py")
        print("Installing requirements-dev.txt and the project", flush=True)
        uv = ("uv", "pip", "install", "--quiet", "--python", str(self.python))
        self._run(*uv, "--require-hashes", "-r", "requirements-dev.txt")
        # The build backend is one of the packages just installed, so nothing else is fetched to build.
        self._run(*uv, "--no-deps", "--no-build-isolation", "--editable", ".")
        self._check()
        self._stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _runs_this_python(self) -> bool:
        """False for no environment, for a broken one and for one of another Python version."""
        code = "import sys; print(sys.version)"
        try:
            shown = subprocess.run(
                [str(self.python), "-c", code], check=False, capture_output=True, text=True
            )
        except OSError:
            return False
        return shown.stdout.strip() == sys.version

    def _has_uv(self) -> bool:
        command = [str(self.python), "-m", "uv", "--version"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _check(self) -> None:
        """Raises InstallError when pyproject.toml asks for what the lock files do not name."""
        command = [str(self.python), "-m", "uv", "pip", "check", "--python", str(self.python)]
        checked = subprocess.run(
            command, check=False, cwd=self._root, capture_output=True, text=True
        )
        if checked.returncode:
            raise InstallError(
                f"{checked.stderr.strip()}\nThe lock files do not fit pyproject.toml: run `make lock` "
                f"({self.python} tools/lock.py), then install again."
            )

    def _fingerprint(self) -> str:
        """Changes with the folder, the Python, and the content of the files that decide the rest."""
        digest = hashlib.sha256(f"{self._root}\n{sys.version}\n".encode())
        for name in ("pyproject.toml", *LOCKS):
            digest.update((self._root / name).read_bytes())
        return digest.hexdigest()

    def _run(self, *arguments: str) -> None:
        self._run_python("-m", *arguments)

    def _run_python(self, *arguments: str) -> None:
        command = [str(self.python), *arguments]
        if subprocess.run(command, check=False, cwd=self._root).returncode:
            raise InstallError("This step failed, its reason is above: " + " ".join(command))


def main() -> int:
    """Installs, tells the steps it takes and how long they took; gives the exit code."""
    started = time.monotonic()
    environment = Environment(ROOT)
    try:
        environment.refuse_old_python()
        if environment.is_current:
            print(".venv is up to date")
            return 0
        environment.bring_up_to_date()
    except InstallError as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f".venv is ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
