"""Every kind of store that there is, each with an empty place for a test."""

from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import pytest

FURTHER: Final = sorted(it.name for it in iter_modules([str(Path(__file__).parent)]) if it.name != "base")
"""Those of the packages in `harness.storage`: each module here has a fixture of its name and `_url`."""

KINDS: Final = ("memory", "sqlite", "postgresql", *FURTHER)


def address(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The DATABASE_URL of a new store of this kind."""
    match kind:
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{folder}/threads.sqlite"
        case "postgresql":
            return str(request.getfixturevalue("database_url"))
    return str(request.getfixturevalue(f"{kind}_url"))
