"""What HTTP itself asks of `/mcp`: methods, hosts, sizes, and how a client finds out whose tokens count."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import INVALID_REQUEST, PARSE_ERROR

from harness.settings import Settings
from tests.conftest import Door
from tests.support.callers import ANA, by
from tests.support.peers.mcp_caller import LEGACY, MODERN, call
from tests.support.peers.oidc_provider import AUDIENCE, OidcProvider

pytestmark = pytest.mark.checklist("INT-1")

URL = "https://Agents.Example:443/x"
METADATA = "/.well-known/oauth-protected-resource/mcp"
QUESTION = {"message": "How many moons has Mars?"}

VERSIONS = pytest.mark.parametrize("version", [MODERN, LEGACY])


async def status(client: httpx2.AsyncClient, version: str = MODERN, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await call(client, version, "ask", QUESTION, headers=sent)).status_code


@pytest.fixture
async def client(door: Door) -> httpx2.AsyncClient:
    values: dict[str, Any] = {"database_url": "memory://", "cors_origins": "https://page.example"}
    return await door.open(Settings(public_url=URL, **values))


@VERSIONS
async def test_it_answers_for_its_own_hosts_and_the_pages_that_may_call(
    client: httpx2.AsyncClient, version: str
) -> None:
    assert await status(client, version) == 421
    for host in ("agents.example", "127.0.0.1", "localhost:8000", "[::1]:80"):
        assert await status(client, version, host=host) == 200
    for host in ("evil.example", "agents.example.evil.example", "localhost.evil.example", "agents.example:81"):
        assert await status(client, version, host=host) == 421
    for origin in ("https://agents.example", "https://page.example", "http://localhost:6274"):
        assert await status(client, version, host="localhost", origin=origin) == 200
    for origin in ("https://evil.example", "http://agents.example", "null", "http://localhost.evil.example"):
        assert await status(client, version, host="localhost", origin=origin) == 403


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
async def test_no_stream_is_held_open_and_no_session_ended(client: httpx2.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/mcp", headers={"Host": "localhost", "Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_what_is_no_request_is_refused(client: httpx2.AsyncClient) -> None:
    accepted = {"Host": "localhost", "Accept": "application/json, text/event-stream"}
    for version in (MODERN, LEGACY, "1999-01-01"):
        for body in (b"", b"{", b"[]", b"7", b'{"jsonrpc": "2.0", "id": 1}', b'{"jsonrpc": "2.0", "method": 7}'):
            headers = {**accepted, "Content-Type": "application/json", "MCP-Protocol-Version": version}
            answer = await client.post("/mcp", content=body, headers=headers)
            assert answer.status_code in (400, 202), (version, body, answer.text)
            assert len(answer.text) < 150  # pydantic's own text of what was wrong is far longer
    assert (await client.post("/mcp", content=b"{}", headers=accepted)).status_code == 415
    call = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": %s}'
    for body in (call % b'{"a": NaN}', call % b'{"a": 1, "a": 2}', (call % b"{}").decode().encode("utf-16")):
        answer = await client.post("/mcp", content=body, headers={**accepted, "Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, PARSE_ERROR)
    headers = {**accepted, "Content-Type": "application/json; charset=utf-16"}
    assert (await client.post("/mcp", content=body, headers=headers)).status_code == 415


@VERSIONS
async def test_a_body_that_is_too_large_is_told_to_the_client(client: httpx2.AsyncClient, version: str) -> None:
    answer = await call(client, version, "ask", {"message": "x" * 70_000}, headers={"Host": "localhost"})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == INVALID_REQUEST


async def test_only_a_client_of_the_old_protocol_gets_a_session_id(client: httpx2.AsyncClient) -> None:
    ids = set()
    for version in (MODERN, LEGACY, LEGACY):
        answer = await call(client, version, "ask", QUESTION, headers={"Host": "localhost"})
        ids.add(answer.headers.get("Mcp-Session-Id"))
    assert None in ids
    assert len(ids) == 3
    named = await call(client, LEGACY, "ask", QUESTION, headers={"Host": "localhost", "Mcp-Session-Id": "a"})
    assert "Mcp-Session-Id" not in named.headers


async def test_without_a_provider_there_are_no_metadata(door: Door, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{ANA.record.line}\n")
    client = await door.open(Settings(database_url="memory://", authentication="keys", api_keys_file=keys))
    assert (await client.get(METADATA, headers=by(ANA))).status_code == 404
    refused = await client.post("/mcp")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.json()["error"]["data"]["harness/problem"] == "unauthenticated"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def trusting(provider: OidcProvider) -> Settings:
    values: dict[str, Any] = {"database_url": "memory://", "authentication": "oidc", "oidc_issuer": provider.issuer}
    return Settings(**values, oidc_audience=AUDIENCE, public_url="http://service")


async def test_a_client_without_a_token_finds_who_gives_them(
    door: Door, provider: OidcProvider, trusting: Settings
) -> None:
    client = await door.open(trusting)
    refused = await client.post("/mcp")
    pointer = f'resource_metadata="http://service{METADATA}", scope="chat"'
    assert refused.headers["WWW-Authenticate"] == f"Bearer {pointer}"
    found = await client.get(METADATA)
    assert found.json() == {
        "resource": "http://service/mcp",
        "authorization_servers": [provider.issuer],
        "scopes_supported": ["chat", "approve"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize(
    ("audience", "expected"),
    [("http://service/mcp", 200), (AUDIENCE, 200), ("http://service", 401), ("http://other/mcp", 401)],
)
async def test_a_token_is_for_this_resource_or_this_service(
    door: Door, provider: OidcProvider, trusting: Settings, *, audience: str, expected: int
) -> None:
    client = await door.open(trusting)
    token = provider.token(aud=audience, scope="chat")
    assert await status(client, authorization=f"Bearer {token}") == expected


async def test_the_address_is_no_client_s_name(door: Door, provider: OidcProvider, trusting: Settings) -> None:
    client = await door.open(trusting.model_copy(update={"oidc_audience_claim": "azp"}))
    token = provider.token(azp="http://service/mcp", scope="chat")
    assert await status(client, authorization=f"Bearer {token}") == 401


class Kept:
    """What the client keeps of a login."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Login:
    """The provider's pages for people and its token endpoint, as far as the client asks for them (RFC 8414, 7591)."""

    def __init__(self, provider: OidcProvider) -> None:
        self._provider = provider
        self.resources: list[str] = []
        self._shown: dict[str, list[str]] = {}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        address = self._provider.issuer
        match request.url.path:
            case "/.well-known/oauth-authorization-server":
                ends = {f"{name}_endpoint": f"{address}/{name}" for name in ("authorization", "token", "registration")}
                told = {"issuer": address, "response_types_supported": ["code"], **ends}
                return httpx2.Response(200, json={**told, "code_challenge_methods_supported": ["S256"]})
            case "/registration":
                return httpx2.Response(
                    201, json={**httpx2.Response(200, content=request.content).json(), "client_id": "c"}
                )
            case "/token":
                (resource,) = parse_qs(request.content.decode())["resource"]
                self.resources.append(resource)
                token = self._provider.token(aud=resource, scope="chat")
                return httpx2.Response(200, json={"access_token": token, "token_type": "Bearer"})
        return httpx2.Response(404)

    async def show(self, url: str) -> None:
        """The client leads the person here."""
        self._shown = parse_qs(urlsplit(url).query)
        self.resources += self._shown["resource"]

    async def come_back(self) -> AuthorizationCodeResult:
        """The person has agreed."""
        return AuthorizationCodeResult(code="code", state=self._shown["state"][0])


@asynccontextmanager
async def logging_in(door: Door, provider: OidcProvider, login: Login) -> AsyncIterator[Client]:
    """The official client, with nothing but the address."""
    about = OAuthClientMetadata.model_validate({"client_name": "test", "redirect_uris": ["http://localhost/back"]})
    auth = OAuthClientProvider("http://service/mcp", about, Kept(), login.show, login.come_back)
    mounts = {provider.issuer: httpx2.MockTransport(login), "http://service": httpx2.ASGITransport(door.app)}
    async with (
        httpx2.AsyncClient(auth=auth, mounts=mounts) as http,
        Client(streamable_http_client("http://service/mcp", http_client=http)) as client,
    ):
        yield client


async def test_the_official_client_logs_in_by_itself(door: Door, provider: OidcProvider, trusting: Settings) -> None:
    await door.open(trusting)
    login = Login(provider)
    async with logging_in(door, provider, login) as client:
        result = await client.call_tool("ask", QUESTION)
    assert result.structured_content["answer"] == "mars has 2 moons."
    assert login.resources == ["http://service/mcp"] * 2
