"""A service with parts of its owner's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness import Application
from tests.conftest import Door
from tests.support.agents import TEST_AGENTS
from tests.support.owner import ANA, Opens, OwnSettings


@pytest.fixture
def opens(door: Door, tmp_path: Path) -> Opens:
    """Opens a service of these parts, for callers with keys."""

    async def open_(settings: Mapping[str, Any] | None = None, **parts: Any) -> httpx2.AsyncClient:
        file = tmp_path / "keys"
        file.write_text(f"{ANA.record.line}\n")
        values: dict[str, Any] = {"database_url": "memory://", "authentication": "keys"}
        values |= {"api_keys_file": file} | dict(settings or {})
        application = Application(TEST_AGENTS, settings=OwnSettings, **parts)
        return await door.client(application.create_app(OwnSettings(**values)))

    return open_
