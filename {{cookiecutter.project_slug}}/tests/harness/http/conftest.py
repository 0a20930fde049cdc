"""Where threads may be kept: a test that asks for `url` runs on each kind of store."""

from pathlib import Path

import pytest


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of one kind."""
    match request.param:
        case "postgresql":
            return str(request.getfixturevalue("database_url"))
        case "sqlite":
            return f"sqlite:///{tmp_path}/threads.sqlite"
    return "memory://"
