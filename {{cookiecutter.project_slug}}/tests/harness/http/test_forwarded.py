"""Who asked, by which scheme, where proxies are in front; and whom a browser may ask for: origins, HEAD, caches."""

from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Request

from harness import Application
from harness.settings import Settings
from tests.conftest import Door
from tests.support.agents import TEST_AGENTS

router = APIRouter()


@router.get("/seen")
async def seen(request: Request) -> list[str]:
    return [request.client.host if request.client else "", str(request.url_for("seen"))]


async def opened(door: Door, peer: str, **settings: Any) -> httpx2.AsyncClient:
    """A service with the route above, asked by `peer`."""
    settings = {"database_url": "memory://", **settings}
    await door.client(Application(TEST_AGENTS, routers=[router]).create_app(Settings(**settings)))
    transport = httpx2.ASGITransport(door.app, client=(peer, 1))
    return httpx2.AsyncClient(transport=transport, base_url="http://service")


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("scheme", ["https", "https,http", "https, http"])
async def test_a_trusted_proxy_tells_address_and_scheme(door: Door, peer: str, scheme: str) -> None:
    client = await opened(door, peer, trusted_proxies="10.0.0.0/8")
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": scheme}
    assert (await client.get("/seen", headers=told)).json() == ["203.0.113.7", "https://service/seen"]


@pytest.mark.parametrize(("peer", "trusted"), [("192.0.2.1", "10.0.0.0/8"), ("10.0.0.1", None)])
async def test_nobody_else_does(door: Door, peer: str, trusted: str | None) -> None:
    client = await opened(door, peer, trusted_proxies=trusted)
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    assert (await client.get("/seen", headers=told)).json() == [peer, "http://service/seen"]
