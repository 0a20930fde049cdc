"""Builds docs/ into build/docs, strictly: `python -m tools.documents.site`, or `nox -s docs`, which installs the tools.

Refused: a C4 page that is out of date, a link or an anchor that leads nowhere, a page that would ask
another host for a script, a style or a picture.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MISSING: Final = "properdocs is not installed: run `nox -s docs`, which installs the group `checks`"

FETCHED: Final = re.compile(
    r"<(?:script|img|iframe|source|link|object|embed)\b[^>]*?"
    r"\b(?:src|href|data)=[\"'](?:https?:)?//[^\"']+",
    re.IGNORECASE,
)
"""What a browser fetches by itself; a link that a reader clicks is none."""


class Site:
    """The site of one project folder."""

    def __init__(self, project: Path) -> None:
        """Builds `project`/docs by `project`/properdocs.yml."""
        self._project = project

    @staticmethod
    def is_installed() -> bool:
        """Whether the tools are there."""
        return all(importlib.util.find_spec(name) for name in ("properdocs", "mmdr"))

    def build(self) -> subprocess.CompletedProcess[str]:
        """What properdocs said; its exit code is not 0 after a warning."""
        command = [sys.executable, "-m", "properdocs", "build", "--strict", "--clean"]
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, check=False, cwd=self._project, text=True, **out)  # type: ignore[call-overload,no-any-return]

    def requests(self) -> Iterator[str]:
        """What pages of the built site would fetch from other hosts, one line each."""
        folder = self._project / "build" / "docs"
        for page in sorted(folder.rglob("*.html")):
            for found in FETCHED.finditer(page.read_text(encoding="utf-8")):
                yield f"{page.relative_to(folder).as_posix()} fetches {found[0]}"


def main(project: Path) -> int:
    """Build the site; the exit code."""
    from .__main__ import main as pages  # noqa: PLC0415  # needs the service; the site does not

    if not Site.is_installed():
        print(MISSING, file=sys.stderr)
        return 2
    if code := pages(["--check"], project):
        return code
    site = Site(project)
    done = site.build()
    print(done.stdout, end="")
    requests = list(site.requests())
    print("\n".join(requests), file=sys.stderr)
    return int(bool(done.returncode or requests))


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
