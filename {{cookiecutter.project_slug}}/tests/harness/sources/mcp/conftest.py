"""A server of tools, whose list a person has reviewed, and a client of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.settings import Settings
from harness.sources.mcp.client import MCPClient
from harness.sources.mcp.pins import Pins
from harness.sources.mcp.server import MCPServer
from harness.sources.policy import Policy
from harness.sources.resources import SourceConnections
from tests.support.peers.mcp_server import ToolServer

POLICY = Policy(tools={"find_order", "list_shops"}, requires_approval={"cancel_order"}, hosts={"127.0.0.1"})

Connect = Callable[..., MCPClient]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pins, "FOLDER", tmp_path)


@pytest.fixture(params=[False, True], ids=["2026", "2025"])
def shop(request: pytest.FixtureRequest) -> Iterator[ToolServer]:
    """One of each era of the protocol."""
    with ToolServer(is_legacy=request.param) as server:
        server.pin()
        yield server


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes a client of an address; arguments are settings."""
    opened: list[SourceConnections] = []

    def make(url: str, policy: Policy = POLICY, **settings: Any) -> MCPClient:
        given: dict[str, Any] = {"use_fake_data": False, "data_private_hosts": "127.0.0.1"} | settings
        opened.append(SourceConnections(Settings(**given)))
        return opened[-1].mcp(MCPServer("shop", url=url), policy)

    yield make
    for connections in opened:
        await connections.aclose()
