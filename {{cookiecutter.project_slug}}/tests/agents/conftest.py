"""Agents as the service builds them: on their sample data, or on loopback copies of their sources."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import stamina

from harness.runtime.agent import Agent
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.support.peers.data_sources import DataSources

Built = Callable[[type[Agent[Any]]], Agent[Any]]


@pytest.fixture
def on_samples() -> Built:
    """Builds an agent that answers from its sample."""
    return lambda agent: agent(SourceConnections(Settings(use_fake_data=True)))


@pytest.fixture
def sources() -> Iterator[DataSources]:
    with DataSources() as sources:
        yield sources


@pytest.fixture
async def on_sources(sources: DataSources, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Built]:
    """Builds an agent whose data sources are the loopback ones; no wait between retries."""
    for name, value in sources.environment.items():
        monkeypatch.setenv(name, value)
    opened: list[SourceConnections] = []

    def build(agent: type[Agent[Any]]) -> Agent[Any]:
        opened.append(SourceConnections(Settings()))
        return agent(opened[-1])

    with stamina.set_testing(True, attempts=100, cap=True):
        yield build
    for connectors in opened:
        await connectors.aclose()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that a test can wait for."""
    monkeypatch.setenv("DATA_TIMEOUT_SECONDS", "0.2")
