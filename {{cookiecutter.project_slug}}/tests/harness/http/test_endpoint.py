"""What an endpoint is promised, shown on one that a test plants, and which are imported at all."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from starlette.routing import Mount, Route

import harness.endpoints
from harness.application import Application
from harness.auth.api_key import NewKey
from harness.auth.principal import Scope
from harness.cli.settings_reference import SettingsReference
from harness.errors import ConfigurationError
from harness.http.endpoint import ASGIRoute, Endpoints
from harness.project import Extra
from harness.runtime.access import Access
from harness.settings import Configuration, Settings
from harness.telemetry.redaction import MASK
from tests.conftest import Door, Lines
from tests.support.agents import TEST_AGENTS

ECHO = """
from contextlib import asynccontextmanager

from fastapi import APIRouter
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from harness.auth.principal import Scope
from harness.http.endpoint import ASGIRoute, Endpoint
{more}

class EchoEndpoint(Endpoint):
    name = "echo"
    opened = []

    def routes(self):
        router = APIRouter()

        @router.get("/echo/card")
        async def card() -> str:
            return self.url("/echo")

        app = PlainTextResponse("echo")
        broken = self.broken
        return [
            router,
            ASGIRoute("/echo", app, ["POST"]),
            ASGIRoute("/echo/approve", app, ["POST"], Scope.APPROVE),
            ASGIRoute("/echo/broken", broken, ["POST"]),
            ASGIRoute.around(Route("/echo/read", self.read, methods=["POST"])),
            ASGIRoute.around(Route("/echo/same", self.read, methods=["POST"])),
            Mount("/below", routes=[Route("/it", self.it)]),
        ]

    request_headers = ["X-Echo"]
    response_headers = ["X-Echoed"]

    def error_writers(self):
        return {"/echo": lambda it: (f"{it.words.openai_code} {it.request_id}".encode(), "text/echo")}

    def body_max_bytes(self):
        return {"/echo/read": 2_000}

    async def read(self, request):
        return PlainTextResponse(str(len(await request.body())))

    async def it(self, request):
        return PlainTextResponse(request.state.principal.id)

    async def broken(self, scope, receive, send):
        raise RuntimeError("planted secret")

    def public_paths(self):
        return ["/echo/card"]

    def challenges(self):
        return {"/echo": {"resource_metadata": "https://a.example/meta", "scope": "chat"}}

    @asynccontextmanager
    async def lifespan(self, running):
        self.opened.append(running)
        yield
        self.opened.clear()


ENDPOINT = EchoEndpoint
"""


SETTINGS = """
from pydantic import SecretStr

from harness.configuration import Configuration

class EchoSettings(Configuration):
    echo_token: SecretStr | None = None
    '''Word that it knows.'''

SETTINGS = EchoSettings
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of endpoints with one in it."""
    folder = tmp_path / "endpoints" / "echo"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "endpoint.py").write_text(ECHO.replace("{more}", ""))
    monkeypatch.setattr(harness.endpoints, "__path__", [str(folder.parent)])
    yield folder
    for module in ("", ".endpoint", ".settings"):
        sys.modules.pop(f"harness.endpoints.echo{module}", None)
    harness.endpoints.__dict__.pop("echo", None)


ANA = NewKey.make("ana", [Scope.CHAT], None)
BY = {"X-API-Key": ANA.text}


@pytest.fixture
async def client(planted: Path, door: Door, tmp_path: Path) -> httpx2.AsyncClient:
    file = tmp_path / "keys"
    file.write_text(f"{ANA.record.line}\n")
    values: dict[str, Any] = {"database_url": "memory://", "authentication": "keys", "api_keys_file": file}
    return await door.open(Settings(public_url="https://a.example/x", **values))


async def test_its_routes_ask_who_calls_for_the_scope_and_count_the_rate(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/echo")).status_code == 401
    let_in = await client.post("/echo", headers=BY)
    assert (let_in.status_code, let_in.text) == (200, "echo")
    assert let_in.headers["RateLimit"].startswith('"caller";r=')
    refused = await client.post("/echo/approve", headers=BY)
    assert (refused.status_code, refused.text.split()[0]) == (403, "scope_missing")
    other = await client.get("/echo", headers=BY)
    assert (other.status_code, other.headers["allow"]) == (405, "POST")


async def test_log_and_metrics_have_the_name_of_its_route_also_below_a_mount(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    for method, path in [("POST", "/echo"), ("GET", "/below/it"), ("GET", "/below/nowhere"), ("POST", "/echo/broken")]:
        await client.request(method, path, headers=BY)
        await client.request(method, path)
    told = [(it["route"], it["status"]) for it in lines.named("request")]
    assert told == [
        *(("/echo", 200), ("/echo", 401)),
        *(("/below/it", 200), ("/below", 401)),
        *(("/below", 404), ("/below", 401)),
        *(("/echo/broken", 500), ("/echo/broken", 401)),
    ]


async def test_what_breaks_in_it_shows_its_caller_nothing(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/echo/broken", headers=BY)
    assert answer.status_code == 500
    assert answer.text == f"internal_server_error {answer.headers['x-request-id']}"


async def test_its_errors_have_the_form_that_it_writes_wherever_they_arise(client: httpx2.AsyncClient) -> None:
    asked: list[tuple[str, str, dict[str, str], int, str]] = [
        ("POST", "/echo", {}, 401, "invalid_api_key"),
        ("POST", "/echo/nowhere", BY, 404, "not_found"),
        ("DELETE", "/echo", BY, 405, "method_not_allowed"),
        ("POST", "/echo", {"X-Long": "x" * 40_000}, 431, "request_header_fields_too_large"),
    ]
    for method, path, headers, status, code in asked:
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.text.split()[0]) == (status, code)
        assert answer.headers["content-type"].startswith("text/echo")
    assert (await client.post("/echo")).headers["www-authenticate"] == "Bearer"
    for path in ("/v1/agents", "/echoes"):
        assert (await client.get(path)).headers["content-type"] == "application/problem+json"


async def test_a_public_path_is_open_for_reading_alone(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/echo/card")).json() == "https://a.example/x/echo"
    assert (await client.post("/echo/card")).status_code == 401


async def test_a_path_of_it_may_take_larger_bodies(planted: Path, door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", body_max_bytes=1024))
    sizes = [("/echo/read", 2000, 200), ("/echo/read", 2001, 413), ("/echo/same", 1025, 413)]
    for path, size, status in sizes:
        assert (await client.post(path, content=b"x" * size)).status_code == status


async def test_web_pages_may_send_and_read_its_headers(planted: Path, door: Door) -> None:
    page = "https://page.example"
    client = await door.open(Settings(database_url="memory://", cors_origins=page))
    asked = {"Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-Echo"}
    assert (await client.options("/echo", headers=asked)).status_code == 200
    answer = await client.post("/echo", headers={"Origin": page})
    assert "X-Echoed" in answer.headers["access-control-expose-headers"]


async def test_it_is_opened_and_closed_with_the_service(client: httpx2.AsyncClient, door: Door) -> None:
    opened = sys.modules["harness.endpoints.echo.endpoint"].EchoEndpoint.opened
    assert opened == [door.running]
    await door.close()
    assert opened == []


async def test_a_challenge_says_more_where_tokens_are_accepted(planted: Path, door: Door) -> None:
    oidc: dict[str, Any] = {"authentication": "oidc", "oidc_issuer": "http://127.0.0.1:9", "oidc_audience": "a"}
    client = await door.open(Settings(database_url="memory://", **oidc))
    more = 'resource_metadata="https://a.example/meta", scope="chat"'
    nobody = await client.post("/echo")
    assert nobody.headers["www-authenticate"] == f"Bearer {more}"
    wrong = await client.post("/echo", headers={"Authorization": "Bearer x"})
    assert wrong.headers["www-authenticate"] == f'Bearer error="invalid_token", {more}'
    assert (await client.post("/v1/chat")).headers["www-authenticate"] == "Bearer"


async def test_its_settings_are_its_own_and_there_only_with_it(
    planted: Path, door: Door, lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("ECHO_TOKE=x")
    monkeypatch.setattr(Configuration, "env_file", tmp_path / ".env")
    application = Application(TEST_AGENTS)
    assert "ECHO_TOKE in .env is no setting" in [*application.unknown_settings()]
    assert "echo" not in SettingsReference(application, "openai").markdown().lower()
    (planted / "settings.py").write_text(SETTINGS)
    importlib.invalidate_caches()
    with pytest.raises(ConfigurationError, match="did you mean ECHO_TOKEN?"):
        application.unknown_settings()
    assert "## Endpoint echo\n" in SettingsReference(application, "openai").markdown()
    (tmp_path / ".env").write_text("ECHO_TOKEN=planted-word")
    await door.open()
    structlog.get_logger("test").warning("told", text="planted-word")
    assert lines.named("told")[0]["text"] == MASK


@pytest.mark.parametrize(("endpoints", "is_there"), [("none", False), ("all", True), ("echo", True)])
def test_what_is_off_is_neither_imported_nor_routed(planted: Path, endpoints: str, is_there: bool) -> None:
    script = f"""
import sys
import harness.endpoints
harness.endpoints.__path__[:] = [{str(planted.parent)!r}]
from harness.application import Application
from harness.settings import Settings
from tests.support.agents import TEST_AGENTS
app = Application(TEST_AGENTS).create_app(Settings(database_url="memory://", endpoints={endpoints!r}))
assert ("harness.endpoints.echo.endpoint" in sys.modules) is {is_there}
assert any(getattr(it, "path", "") == "/echo" for it in app.routes) is {is_there}
"""
    project = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=project, env={"PYTHONPATH": "src:."})


def test_nothing_of_an_endpoint_is_imported_where_all_are_off(settings: Settings) -> None:
    script = """
import sys
from harness.application import Application
from harness.settings import Settings
from tests.support.agents import TEST_AGENTS
Application(TEST_AGENTS).create_app(Settings(database_url="memory://", endpoints="none"))
assert not [it for it in sys.modules if it.startswith("harness.endpoints.") and it.count(".") > 2 and "settings" not in it]
assert not {"mcp", "a2a", "ag_ui", "openai"} & sys.modules.keys()
"""
    project = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=project, env={"PYTHONPATH": "src:."})


def test_a_name_that_nobody_knows_stops_the_start(planted: Path) -> None:
    with pytest.raises(ConfigurationError, match="ENDPOINTS: there is no smtp; there are: echo"):
        Endpoints(Application(TEST_AGENTS), Settings(endpoints="echo, smtp"))


def test_one_that_is_named_twice_is_there_once(planted: Path) -> None:
    assert Endpoints(Application(TEST_AGENTS), Settings(endpoints="echo, echo")).names == ["echo"]


def test_a_missing_extra_is_named_where_the_endpoint_is_and_leaves_it_out_where_not(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (planted / "endpoint.py").write_text(ECHO.replace("{more}", "import echo_sdk_of_nobody"))
    monkeypatch.setattr(Extra, "PACKAGES", {"echo": "echo-sdk"})
    assert Endpoints(Application(TEST_AGENTS), Settings()).names == []
    with pytest.raises(ConfigurationError, match=r"ENDPOINTS=echo: install the extra \[echo\]: add \"echo-sdk\""):
        Endpoints(Application(TEST_AGENTS), Settings(endpoints="echo"))


def test_every_endpoint_has_its_row(settings: Settings) -> None:
    names = Endpoints(Application(TEST_AGENTS), settings).names
    assert set(names) <= set(Access.endpoints())


def test_a_route_of_an_sdk_is_wrapped_as_it_is() -> None:
    async def answer(request: Any) -> Any:
        raise NotImplementedError

    route = ASGIRoute.around(Route("/rpc/{id}", answer, methods=["POST"]), Scope.APPROVE)
    assert (route.path, route.methods, route.scope) == ("/rpc/{id}", {"POST"}, Scope.APPROVE)
    with pytest.raises(TypeError):
        ASGIRoute.around(Mount("/x", app=FastAPI()))
