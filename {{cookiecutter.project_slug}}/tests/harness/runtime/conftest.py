"""Conversations with graphs."""

from collections.abc import AsyncIterator

import pytest

from harness.settings import Settings
from tests.harness.runtime.graphs import Shop, Stage


@pytest.fixture
async def begin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Begins a conversation with a graph or a flow."""
    stage = Stage(settings, monkeypatch)
    yield stage
    await stage.aclose()


@pytest.fixture
def shop() -> Shop:
    return Shop()
