"""Writes docs/c4.md from the code; with `--check` it only compares, and fails on a difference."""

import sys
from collections.abc import Sequence
from pathlib import Path

from app.agents import AGENTS

from .c4 import C4


def main(arguments: Sequence[str], project: Path, text: str | None = None) -> int:
    """Write or compare the page of `project`; the exit code."""
    page = project / "docs" / "c4.md"
    wanted = C4(AGENTS).text() if text is None else text
    if page.exists() and page.read_text(encoding="utf-8") == wanted:
        print("docs/c4.md is up to date")
        return 0
    if "--check" in arguments:
        print(
            "docs/c4.md no longer says what the code says: run `nox -s generate`", file=sys.stderr
        )
        return 1
    page.write_text(wanted, encoding="utf-8", newline="\n")
    print("wrote docs/c4.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
