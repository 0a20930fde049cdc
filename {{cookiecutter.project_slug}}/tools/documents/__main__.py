"""Writes the pages that come from the code; with `--check` it only compares, and fails on a difference."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.agents import AGENTS
from harness.runtime.agent import Agent

from .c4 import C4, Pristine
from .modules import ModuleMap
from .package import PROJECT, Package, Unnamed


class Pages:
    """The generated pages of one project folder."""

    def __init__(self, project: Path = PROJECT) -> None:
        """The pages in `project`/docs."""
        self._project = project

    @staticmethod
    def texts(package: Package, agents: Sequence[type[Agent[Any]]] = AGENTS) -> Mapping[str, str]:
        """File name -> text, whatever the settings of this environment."""
        Pristine.install()
        pages: Mapping[str, C4 | ModuleMap] = {
            "docs/c4.md": C4(package, agents),
            "docs/modules.md": ModuleMap(package),
        }
        return {name: "\n".join(page.lines()) + "\n" for name, page in pages.items()}

    def stale(self, texts: Mapping[str, str]) -> Sequence[str]:
        """The names of the pages that say something else."""
        return [
            name
            for name, text in texts.items()
            if not (file := self._project / name).exists()
            or file.read_text(encoding="utf-8") != text
        ]

    def write(self, texts: Mapping[str, str]) -> None:
        """Write all of them."""
        for name, text in texts.items():
            (self._project / name).write_text(text, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str]) -> int:
    """Write or compare; the exit code."""
    try:
        texts = Pages.texts(Package.read())
    except Unnamed as refused:
        print(refused, file=sys.stderr)
        return 1
    pages = Pages()
    stale = pages.stale(texts)
    if "--check" in arguments:
        for name in stale:
            print(
                f"{name} no longer says what the code says: run `nox -s generate`", file=sys.stderr
            )
        return int(bool(stale))
    pages.write(texts)
    print("\n".join(f"wrote {name}" for name in stale) or "The pages are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
