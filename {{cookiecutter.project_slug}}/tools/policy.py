"""Holds the Dockerfile and the manifests against checkov and the Kubernetes schemas: `python -m tools.policy`.

Both live in `.nox/policy`, apart from the project's environment, installed by hash from the lock beside
them, which is made when tools/policy.in changes. No network is asked afterwards.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


class Tools:
    """The linters and their environment."""

    WANTED: Final = "tools/policy.in"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / ".nox" / "policy"
        self._stamp = self._home / "installed"
        self._environment = self._home / "venv"
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        self._programs = self._environment / scripts

    @property
    def are_there(self) -> bool:
        """True when those that are wanted now are installed."""
        return self._stamp.is_file() and self._stamp.read_text() == self._digest()

    def _digest(self) -> str:
        return hashlib.sha256((self._folder / self.WANTED).read_bytes()).hexdigest()

    def install(self) -> None:
        """Lock them, keeping what is locked already, and install what the lock names."""
        uv, lock = (sys.executable, "-m", "uv"), str(self._home / "requirements.txt")
        options = ("--universal", "--generate-hashes", "--no-emit-index-url", "--no-annotate")
        self._home.mkdir(parents=True, exist_ok=True)
        self._do(*uv, "pip", "compile", "-q", self.WANTED, *options, "--output-file", lock)
        home = str(self._environment)
        self._do(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, home)
        install = ("pip", "install", "--quiet", "--python", str(self._programs / "python"))
        self._do(*uv, *install, "--require-hashes", "-r", lock)
        self._stamp.write_text(self._digest())

    def _do(self, *command: str) -> None:
        subprocess.run(command, cwd=self._folder, check=True)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of them, with what it said."""
        return subprocess.run(
            [str(self._programs / "python"), str(self._programs / program), *arguments],
            cwd=self._folder,
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={
                **os.environ,
                "BC_SKIP_MAPPING": "TRUE",
            },  # it would ask its maker for web addresses
        )


class Policy:
    """What the linters say about the files of a project."""

    KUBERNETES: Final = Path("deploy/kubernetes")
    VERSION: Final = "1.33"
    """Whose schemas the manifests are held against; the oldest that is still patched is above it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tools = Tools(folder)

    def complaints(self) -> list[str]:
        """All of them; empty when the linters are content."""
        with tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch)
            shutil.copy(self._folder / "Dockerfile", target)
            manifests = [*self._manifests(target)]
            return [*self.lint(target), *self.validate(manifests)]

    def _manifests(self, target: Path) -> Iterator[Path]:
        """The overlays as kubectl renders them; without kubectl, the files of the base."""
        folder = self._folder / self.KUBERNETES
        if shutil.which("kubectl"):
            for overlay in sorted((folder / "overlays").glob("*/kustomization.yaml")):
                file = target / f"{overlay.parent.name}.yaml"
                command = ["kubectl", "kustomize", str(overlay.parent)]
                text = subprocess.run(command, capture_output=True, check=True).stdout
                file.write_bytes(text)
                yield file
            return
        for source in sorted((folder / "base").glob("*.yaml")):
            if source.name != "kustomization.yaml":
                yield Path(shutil.copy(source, target))

    def lint(self, folder: Path) -> list[str]:
        """What checkov finds in a folder."""
        config = str(self._folder / "deploy" / "policy.yaml")
        done = self._tools.run("checkov", "--directory", str(folder), "--config-file", config)
        if "Passed checks" not in done.stdout:
            raise RuntimeError(f"checkov did not run: {done.stdout}{done.stderr}")
        return [done.stdout] if done.returncode else []

    def validate(self, files: Sequence[Path]) -> list[str]:
        """What the schemas do not allow, and versions of the API that are no more."""
        wrong = []
        for file in files:
            done = self._tools.run("kubernetes-validate", "--strict", "-k", self.VERSION, str(file))
            told = f"{done.stdout}{done.stderr}"
            if done.returncode or "WARN" in told:
                wrong.append(told)
        return wrong


def main(arguments: Sequence[str]) -> int:
    """Install where needed, then lint; the exit code."""
    tools = Tools(ROOT)
    if not tools.are_there or "--only-install" in arguments:
        tools.install()
    if "--only-install" in arguments:
        return 0
    complaints = Policy(ROOT).complaints()
    print("\n".join(complaints) or "The policy linter and the schemas are content")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
