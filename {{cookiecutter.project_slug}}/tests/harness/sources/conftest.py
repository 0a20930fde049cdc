"""A server on loopback, and an outside whose policy names its host."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import stamina

from harness.settings import Settings
from harness.sources.http import HttpClient
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.support.peers.data_sources import DataSources

Reach = Callable[..., HttpClient]

LOOPBACK = Policy(hosts=frozenset({"127.0.0.1"}))


@pytest.fixture(autouse=True)
def _no_waiting_between_retries() -> Iterator[None]:
    """The attempts stay as configured."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def sources() -> Iterator[DataSources]:
    with DataSources() as sources:
        yield sources


@pytest.fixture
async def reach() -> AsyncIterator[Reach]:
    """Makes a real client; arguments are settings."""
    opened: list[SourceConnections] = []

    def make(**settings: Any) -> HttpClient:
        opened.append(SourceConnections(Settings(use_fake_data=False, data_private_hosts="127.0.0.1", **settings)))
        return opened[-1].for_policy(LOOPBACK, None).http

    yield make
    for connectors in opened:
        await connectors.aclose()
