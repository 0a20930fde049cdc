"""Writes docs/c4.md from the code; with `--check` it only compares, and fails on a difference."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.agents import AGENTS
from harness import Agent, Configuration

from .c4 import C4


def c4(agents: Sequence[type[Agent[Any]]]) -> str:
    """The page, from here on with the settings' defaults, whatever the environment and `.env` say."""
    Configuration.settings_customise_sources = classmethod(  # type: ignore[method-assign,assignment]
        lambda _, __, init_settings, *___, **____: (init_settings,)
    )
    return C4(agents).text()


def main(project: Path, text: str, *, is_check: bool) -> int:
    """Write or compare the page of `project`; the exit code."""
    page = project / "docs" / "c4.md"
    is_stale = not page.exists() or page.read_text(encoding="utf-8") != text
    if is_stale and is_check:
        print(
            "docs/c4.md no longer says what the code says: run `nox -s generate`", file=sys.stderr
        )
    elif is_stale:
        page.write_text(text, encoding="utf-8", newline="\n")
    return int(is_stale and is_check)


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), c4(AGENTS), is_check="--check" in sys.argv))
