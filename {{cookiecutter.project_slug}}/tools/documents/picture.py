"""Draws the picture of the README, docs/overview.svg, from the first diagram of docs/architecture.md.

`python -m tools.documents.picture` after a change there; `nox -s docs` has installed what draws it.
"""

import sys
from pathlib import Path
from typing import Final

from .drawing import FENCE, Drawing
from .package import PROJECT

MAX_BYTES: Final = 100_000


class Picture:
    """The picture of one project folder."""

    def __init__(self, project: Path = PROJECT) -> None:
        self._docs = project / "docs"

    def write(self) -> int:
        """Write docs/overview.svg; its size in bytes."""
        page = (self._docs / "architecture.md").read_text(encoding="utf-8")
        found = FENCE.search(page)
        content = Drawing(found[1] if found else "").svg("overview") + "\n"
        return (self._docs / "overview.svg").write_bytes(content.encode())


def main() -> int:
    """Draw it; the exit code."""
    size = Picture().write()
    print(f"wrote docs/overview.svg, {size:,} bytes")
    return int(size > MAX_BYTES)


if __name__ == "__main__":
    sys.exit(main())
