"""Holds the Dockerfile and the manifests against checkov and the Kubernetes schemas: `nox -s policy`.

uv brings both in environments of their own (300 MB, and bounds of their own on what everything needs), once.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools import ROOT, UV

CHECKOV: Final = ("checkov==3.3.30", "checkov", "--config-file", f"{ROOT}/deploy/policy.yaml")
SCHEMAS: Final = ("kubernetes-validate==1.37.0", "kubernetes-validate", "--strict", "-k", "1.33")
"""1.33: the oldest version that is still patched is above it."""


def tool(*command: str, online: bool = True) -> subprocess.CompletedProcess[str]:
    """One of them, with what it said; without `online` only one that is there already."""
    uv = [UV, "tool", "run", *([] if online else ["--offline"]), "--from"]
    # Else checkov would ask its maker for web addresses.
    settings = {**os.environ, "BC_SKIP_MAPPING": "TRUE"}
    return subprocess.run([*uv, *command], capture_output=True, check=False, encoding="utf-8", env=settings)


def are_there() -> bool:
    """True when both run without a network."""
    return bool(shutil.which(UV)) and not any(
        tool(*command[:2], "--help", online=False).returncode for command in (CHECKOV, SCHEMAS)
    )


def lint(folder: Path) -> Iterator[str]:
    """What checkov finds in a folder."""
    done = tool(*CHECKOV, "--directory", str(folder))
    if "Passed checks" not in done.stdout:
        raise RuntimeError(f"checkov did not run: {done.stdout}{done.stderr}")
    if done.returncode:
        yield done.stdout


def validate(file: Path) -> Iterator[str]:
    """What the schemas do not allow, and versions of the API that are no more."""
    done = tool(*SCHEMAS, str(file))
    if done.returncode or "WARN" in done.stdout + done.stderr:
        yield done.stdout + done.stderr


def complaints(project: Path) -> Iterator[str]:
    """All of them: the Dockerfile and the manifests; none when the linters are content."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        shutil.copy(project / "Dockerfile", target)
        for file in manifests(project / "deploy" / "kubernetes", target):
            yield from validate(file)
        yield from lint(target)


def manifests(folder: Path, target: Path) -> Iterator[Path]:
    """The overlays as kubectl renders them; without kubectl, the files of the base."""
    if shutil.which("kubectl"):
        for overlay in sorted((folder / "overlays").glob("*/kustomization.yaml")):
            file = target / f"{overlay.parent.name}.yaml"
            with file.open("wb") as rendered:
                command = ["kubectl", "kustomize", str(overlay.parent)]
                subprocess.run(command, stdout=rendered, check=True)
            yield file
        return
    for source in sorted((folder / "base").glob("*.yaml")):
        if source.name != "kustomization.yaml":
            yield Path(shutil.copy(source, target))


def main() -> int:
    """Lint; the exit code."""
    found = [*complaints(ROOT)]
    sys.stdout.write("\n".join(found) or "The policy linter and the schemas are content\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
