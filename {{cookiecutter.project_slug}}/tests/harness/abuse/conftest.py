import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Door
from tests.harness.abuse.siege import Siege
from tests.harness.abuse.world import DecoyServer, World
from tests.support.peers.data_sources import DataSources
from tests.support.vault import VaultAgent


@pytest.fixture
def siege(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Siege]:
    """The service, not started yet, with everything that an attacker could reach laid out."""
    monkeypatch.setattr(VaultAgent, "root", tmp_path, raising=False)
    monkeypatch.setattr(VaultAgent, "ran", [])
    looked_up: list[str] = []
    look_up = socket.getaddrinfo

    def watched(host: Any, *args: Any, **options: Any) -> Any:
        if host != DataSources.HOST:
            looked_up.append(str(host))
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    with DataSources() as source, DecoyServer() as decoy:
        yield Siege(door, World(source, decoy, tmp_path, looked_up), tmp_path)
