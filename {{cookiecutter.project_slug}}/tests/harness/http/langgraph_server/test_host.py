"""The service as the server's own application."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from harness.application import Application
from harness.http.langgraph_server.graph import ServedGraph
from harness.http.langgraph_server.host import LangGraphHost
from tests.conftest import Door
from tests.support.agents import TEST_AGENTS
from tests.support.callers import ANA, by

PAGE = "https://studio.example"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LangGraphHost:
    """The host of a service with keys; logs go where they went before, once it is gone."""
    (tmp_path / "keys").write_text(f"{ANA.record.line}\n")
    settings = {"AUTHENTICATION": "keys", "API_KEYS_FILE": str(tmp_path / "keys"), "CORS_ORIGINS": PAGE}
    for name, value in {"DATABASE_URL": "memory://", **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    return LangGraphHost(Application(TEST_AGENTS))


async def test_the_servers_own_routes_are_behind_the_services_admission(host: LangGraphHost, door: Door) -> None:
    """As the server adds them: behind the service's, with its own middleware in between."""
    routes = [Route(path, lambda _: PlainTextResponse("there")) for path in ("/ok", "/threads")]
    host.app.router.routes += routes
    client = await door.client(host.app)
    assert (await client.get("/ok")).text == "there"
    assert (await client.get("/threads")).status_code == 401
    assert (await client.get("/info")).status_code == 401
    answer = await client.get("/threads", headers=by(ANA))
    assert (answer.text, "RateLimit" in answer.headers) == ("there", True)


async def test_runs_are_asked_for_one_at_a_time(host: LangGraphHost, door: Door) -> None:
    client = await door.client(host.app)
    answer = await client.post("/runs/batch", json=[{"assistant_id": "agent"}] * 400, headers=by(ANA))
    assert (answer.status_code, answer.json()["detail"]) == (403, "Runs are asked for one at a time.")


async def test_pages_of_the_named_origins_may_use_every_route(host: LangGraphHost, door: Door) -> None:
    client = await door.client(host.app)
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-auth-scheme"}
    answer = await client.options("/threads", headers={"Origin": PAGE, **asked})
    assert answer.status_code == 200
    assert "x-auth-scheme" in answer.headers["Access-Control-Allow-Headers"]
    other = await client.options("/threads", headers={"Origin": "https://other.example", **asked})
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_the_servers_versions_are_told_by_the_server(
    host: LangGraphHost, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meta_info(_: Any) -> PlainTextResponse:
        return PlainTextResponse("0.16")

    meta = SimpleNamespace(meta_info=meta_info)
    monkeypatch.setattr("harness.http.langgraph_server.host.import_module", lambda _: meta)
    client = await door.client(host.app)
    assert (await client.get("/info", headers=by(ANA))).text == "0.16"


async def test_the_graph_is_the_callers(host: LangGraphHost, door: Door) -> None:
    await door.client(host.app)
    user: Any = SimpleNamespace(identity="ana", permissions=["chat"])
    async with host.graph(SimpleNamespace(user=user)) as graph:  # type: ignore[arg-type]  # of the server's, its user alone
        assert isinstance(graph, ServedGraph)
        assert (graph.caller.id, graph.checkpointer) == ("ana", None)


def test_the_servers_handlers_write_no_second_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler()])
    LangGraphHost(Application(TEST_AGENTS))
    assert [type(it).__module__ for it in logging.getLogger().handlers] == ["harness.telemetry.logging"]
