"""Writes what a release holds, as CycloneDX 1.6: `python -m tools.sbom [LOCK FILE] > sbom.cdx.json`.

From the lock file that the image is installed from, by hash: what is listed is what is inside. The same
lock file gives the same bytes. What another system than Linux would get is left out.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[1]

LOCKS: Final = ("requirements-image.txt", "requirements.txt")
"""The lock file of the image; without one, of the service."""

LINUX: Final = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}

PINNED: Final = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>\S+)(?:\s*;\s*(?P<marker>.+))?$"
)


class Unreadable(Exception):
    """A line of the lock file pins nothing; the text shows it."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock file."""

    name: str
    version: str
    hashes: Sequence[str]
    """SHA-256 of its files: one for each platform."""

    @property
    def purl(self) -> str:
        """Its address among all packages: https://github.com/package-url/purl-spec."""
        return f"pkg:pypi/{self.name}@{self.version.replace('+', '%2B')}"

    def component(self) -> Mapping[str, Any]:
        """As CycloneDX writes it."""
        files = [
            {
                "type": "distribution",
                "url": f"{self.purl}#{digest}",
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
            for digest in self.hashes
        ]
        return {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "purl": self.purl,
            "externalReferences": files,
        }


class Bill:
    """The software bill of materials of one project folder."""

    def __init__(self, project: Path = ROOT) -> None:
        self._project = project

    def text(self, lock: str | None = None) -> str:
        """The document, made from `lock` or from the first of `LOCKS` that is there.

        Raises:
            Unreadable: A line pins no version.
        """
        there = (name for name in LOCKS if (self._project / name).exists())
        name = lock or next(there, LOCKS[-1])
        content = (self._project / name).read_text(encoding="utf-8")
        service = tomllib.loads((self._project / "pyproject.toml").read_text(encoding="utf-8"))
        root = {"type": "application", "bom-ref": "service", **self._identity(service["project"])}
        packages = [*self.packages(content)]
        bill = {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
            "version": 1,
            "metadata": {"component": root},
            "components": [package.component() for package in packages],
            "dependencies": [{"ref": "service", "dependsOn": [it.purl for it in packages]}],
        }
        return json.dumps(bill, indent=2) + "\n"

    @staticmethod
    def _identity(project: Mapping[str, Any]) -> Mapping[str, str]:
        return {"name": project["name"], "version": project["version"]}

    @staticmethod
    def packages(content: str) -> Iterator[Locked]:
        """What a Linux machine installs from a lock file, in its order."""
        joined = content.replace("\\\n", " ")
        for line in filter(None, (it.partition(" #")[0].strip() for it in joined.splitlines())):
            if line.startswith("#"):
                continue
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line)
            pinned = PINNED.match(requirement.strip())
            if not pinned:
                raise Unreadable(f"this line pins no version: {line[:80]}")
            if not pinned["marker"] or Marker(pinned["marker"]).evaluate(LINUX):
                yield Locked(canonicalize_name(pinned["name"]), pinned["version"], sorted(hashes))


def main(arguments: Sequence[str]) -> int:
    """Print the document; the exit code."""
    try:
        print(Bill().text(*arguments[:1]), end="")
    except (OSError, Unreadable) as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
