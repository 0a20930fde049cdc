"""Denied by default: an owner's own routes want a key too, and nothing of a stranger's body is read."""

import pytest
from fastapi import APIRouter, WebSocket
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Message

from harness import Principal
from tests.conftest import Door, Lines
from tests.support.owner import KEY, Opens, customers


async def test_a_route_of_the_owners_wants_a_key_like_every_other(opens: Opens) -> None:
    client = await opens(routers=[customers()])
    stranger = await client.get("/v1/customers/bob")
    assert (stranger.status_code, stranger.json()["type"]) == (401, "urn:problem:unauthenticated")
    assert stranger.headers["WWW-Authenticate"] == "Bearer"
    known = await client.get("/v1/customers/bob", headers=KEY)
    assert (known.status_code, known.json()) == (200, "Hello bob")
    assert known.headers["RateLimit"].startswith('"caller";r=')


@pytest.mark.parametrize("path", ["/version", "/healthz", "/metrics", "/docs", "/openapi.json"])
async def test_what_is_open_is_open_for_reading_alone(opens: Opens, path: str) -> None:
    client = await opens()
    assert (await client.get(path)).status_code == 200
    assert (await client.post(path)).status_code == 401


async def test_a_refusal_passes_through_the_middleware_of_the_owner(opens: Opens) -> None:
    origin = "https://www.example.com"
    client = await opens(middleware=[Middleware(CORSMiddleware, allow_origins=[origin])])
    refused = await client.get("/v1/agents", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)


async def test_a_path_that_nobody_serves_is_no_news_to_a_stranger(opens: Opens) -> None:
    client = await opens()
    for path in ("/nowhere", "/readyz/", "//v1/chat", "/v1/chat/", "/DOCS"):
        assert (await client.get(path)).status_code == 401
    assert (await client.get("/nowhere", headers=KEY)).status_code == 404


async def test_a_scope_narrows_a_route_of_the_owners(opens: Opens) -> None:
    client = await opens(routers=[customers()])
    made = await client.post("/v1/customers", json={}, headers=KEY)
    assert made.json() == Principal.from_key("ana", []).log_id
    refused = await client.delete("/v1/customers", headers=KEY)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:problem:scope-missing")
    item = (await client.get("/openapi.json")).json()["paths"]["/v1/customers"]
    assert item["post"]["x-required-scope"] == "chat"
    assert item["delete"]["x-required-scope"] == "approve"
    assert item["post"]["security"] == [{"bearer": []}, {"apiKey": []}]


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/customers", "/nowhere"])
async def test_nothing_of_a_strangers_body_is_read(opens: Opens, door: Door, path: str) -> None:
    await opens(routers=[customers()])
    sent: list[Message] = []

    async def receive() -> Message:
        pytest.fail("read")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"a"), (b"content-type", b"application/json"), (b"content-length", b"65536")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await door.app({**scope, "http_version": "1.1", "query_string": b""}, receive, send)
    assert sent[0]["status"] == 401


async def test_a_refused_request_is_named_by_its_route(opens: Opens, lines: Lines) -> None:
    client = await opens(routers=[customers()])
    for path in ("/v1/customers/bob", "/v1/threads/t1", "/nowhere"):
        await client.get(path)
    told = [(line["route"], line["status"]) for line in lines.named("request")]
    routes = ["/v1/customers/{name}", "/v1/threads/{thread_id}", None]
    assert told == [(route, 401) for route in routes]
    assert not lines.named("request_failed")


async def test_a_path_that_is_listed_as_open_wants_no_key_and_has_its_rate(opens: Opens) -> None:
    rate = {"rate_address_per_minute": 2}
    client = await opens(rate, routers=[customers()], open_paths=["/status", "/forgotten"])
    assert (await client.get("/status")).status_code == 200
    # Who asks for the caller all the same lets nobody in.
    assert (await client.get("/forgotten", headers=KEY)).status_code == 401
    assert (await client.get("/status")).status_code == 429
    assert (await client.get("/readyz")).status_code == 200
    document = (await client.get("/openapi.json")).json()
    assert "security" not in document["paths"]["/status"]["get"]
    assert "security" in document["paths"]["/v1/customers/{name}"]["get"]


async def test_a_socket_of_a_stranger_is_closed(opens: Opens, door: Door) -> None:
    router = APIRouter()

    @router.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        pytest.fail("let in")

    await opens(routers=[router])
    sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/talk", "raw_path": b"/talk", "query_string": b"", "headers": []}
    await door.app(scope | {"subprotocols": []}, receive, send)
    assert [(it["type"], it["code"]) for it in sent] == [("websocket.close", 1008)]


async def test_the_document_says_how_a_route_of_the_owners_refuses(opens: Opens) -> None:
    client = await opens(routers=[customers()], open_paths=["/status"])
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"200", "401", "403", "429"} <= paths["/v1/customers/{name}"]["get"]["responses"].keys()
    assert "401" not in paths["/status"]["get"]["responses"]
