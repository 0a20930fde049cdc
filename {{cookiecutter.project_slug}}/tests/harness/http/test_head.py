"""HEAD, origins and caches: what browsers, balancers and caches in between ask of every route."""

import httpx2
import pytest

from harness.errors import ConfigurationError
from harness.settings import Settings
from tests.conftest import Door, Lines
from tests.support.owner import ANA, Opens
from tests.support.peers.raw_caller import serving

ORIGIN = "https://app.example.com"
OTHER = "https://other.example.com"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version", "/metrics", "/v1/agents", "/openapi.json"])
async def test_head_is_get_without_the_body(client: httpx2.AsyncClient, path: str) -> None:
    head, get = await client.head(path), await client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert "content-length" in head.headers


async def test_head_of_what_is_not_read_is_refused_and_said(client: httpx2.AsyncClient, lines: Lines) -> None:
    head = await client.head("/v1/chat")
    assert (head.status_code, head.content) == (405, b"")
    assert head.headers["allow"] == "POST"
    post = await client.post("/healthz")
    assert post.status_code == 405
    assert post.headers["allow"] == "GET, HEAD"
    await client.head("/healthz")
    line = lines.named("request")[-1]
    assert (line["method"], line["route"]) == ("HEAD", "/healthz")


async def test_head_over_a_connection_leaves_it_open(client: httpx2.AsyncClient, door: Door) -> None:
    async with serving(door.app) as connect:
        connection = await connect()
        connection.send(
            b"HEAD /readyz HTTP/1.1\r\nhost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        text = (await connection.whole_answer()).text
    assert text.count(b"HTTP/1.1 ") == 2
    assert b"\r\n\r\nHTTP/1.1 404" in text


@pytest.mark.parametrize("path", ["/v1/threads/t1", "/v1/agents", "/healthz", "/nowhere"])
async def test_no_cache_in_between_stores_what_is_for_one_caller(client: httpx2.AsyncClient, path: str) -> None:
    await client.post("/v1/chat", json={"message": "How many moons has Mars?", "thread_id": "t1"})
    for answer in (await client.get(path), await client.get(path, headers={"x": "y" * 100_000})):
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_of_a_named_origin_may_ask_from_a_browser(opens: Opens) -> None:
    client = await opens({"cors_origins": f"{ORIGIN}, http://localhost:3000"})
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    for origin in (ORIGIN, "http://localhost:3000"):
        preflight = await client.options("/v1/chat", headers={"Origin": origin, **wanted})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        refused = await client.post("/v1/chat", headers={"Origin": origin}, json={})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == origin  # or the page could not read why
        key = {"Authorization": f"Bearer {ANA.text}", "Origin": origin}
        answer = await client.post("/v1/chat", headers=key, json={"message": "How many moons has Mars?"})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    preflight = await client.options("/v1/chat", headers={"Origin": OTHER, **wanted})
    assert "access-control-allow-origin" not in preflight.headers


async def test_without_a_named_origin_no_page_may_ask(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/agents", headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in answer.headers


async def test_every_page_may_ask_where_the_setting_says_so(opens: Opens) -> None:
    client = await opens({"cors_origins": "*"})
    answer = await client.get("/healthz", headers={"Origin": OTHER})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origins", ["*,https://a.example", "app.example.com", "https://app.example.com/", "https://a.example/b", "null"]
)
def test_what_is_no_origin_is_refused_at_the_start(origins: str) -> None:
    with pytest.raises(ConfigurationError, match="CORS_ORIGINS"):
        Settings(cors_origins=origins)
