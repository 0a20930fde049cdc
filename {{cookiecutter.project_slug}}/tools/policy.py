"""Holds the Dockerfile and the manifests against checkov and the Kubernetes schemas: `python -m tools.policy`.

Both live in `.nox/policy`, apart from the project's environment, installed by hash from
requirements-policy.txt, which the first run locks. No network is asked afterwards.
"""

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

    LOCK = "requirements-policy.txt"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / ".nox" / "policy"
        self._programs = self._home / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def are_there(self) -> bool:
        """True when they are installed."""
        return (self._home / "installed").is_file()

    def install(self) -> None:
        """Lock them when no lock is there, and install what it names."""
        uv = (sys.executable, "-m", "uv")
        if not (self._folder / self.LOCK).exists():
            options = ("--universal", "--generate-hashes", "--no-emit-index-url", "--no-annotate")
            command = ("nox -s policy", "--output-file", self.LOCK)
            self._do(
                *uv,
                "pip",
                "compile",
                "-q",
                "tools/policy.in",
                *options,
                "--custom-compile-command",
                *command,
            )
        self._do(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(self._home))
        python = str(self._programs / "python")
        self._do(
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--require-hashes",
            "-r",
            self.LOCK,
        )
        (self._home / "installed").touch()

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
