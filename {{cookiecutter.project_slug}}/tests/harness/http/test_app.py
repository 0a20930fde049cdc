import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.agents import AGENTS
from harness.application import Application
from harness.errors import ConfigurationError
from harness.http.app import create_app
from harness.project import Project
from harness.runtime.agent import ToolMethod
from harness.settings import Configuration, Settings
from tests.conftest import Door, Lines
from tests.support.agents import TEST_AGENTS, MoonsAgent

KEY = "planted-" + "k3y"


def test_nothing_happens_at_import() -> None:
    script = (
        "import logging, sys, threading; import harness.http.app;"
        "assert not logging.getLogger().handlers; assert threading.active_count() == 1;"
        "assert 'app.agents' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3] / "src")


async def test_the_agents_of_the_project_are_the_default(door: Door, settings: Settings) -> None:
    client = await door.client(Application.load().create_app(settings))
    names = [card["name"] for card in (await client.get("/v1/agents")).json()]
    assert names == [agent.name for agent in AGENTS]


async def test_agents_are_made_off_the_event_loop_for_they_may_read_files(door: Door) -> None:
    made = list[str]()

    class Reader(MoonsAgent):
        def tool_methods(self) -> Sequence[ToolMethod]:
            made.append(threading.current_thread().name)
            return super().tool_methods()

    await door.open(agents=[Reader])
    assert made
    assert threading.main_thread().name not in made


async def test_what_the_host_of_the_service_answers_itself_may_be_read_by_everybody(door: Door) -> None:
    settings = Settings(database_url="memory://", rate_address_per_minute=2)
    client = await door.client(create_app(Application(TEST_AGENTS), settings, public_paths=["/ok"]))
    door.app.add_api_route("/ok", lambda: "there")
    assert (await client.get("/ok")).json() == "there"


async def test_the_settings_of_the_environment_are_the_default(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setenv("USE_FAKE_DATA", "false")
    client = await door.client(Application(TEST_AGENTS).create_app())
    assert (await client.get("/readyz")).json()["sample_data"] is False


def test_the_service_carries_the_projects_name(app: FastAPI) -> None:
    project = Project.load()
    assert (app.title, app.description) == (project.title, project.description)


async def test_a_store_that_cannot_be_opened_stops_the_start(door: Door, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        await door.open(Settings(database_url=f"sqlite:///{tmp_path}"))


@pytest.mark.checklist("OBS-1")
async def test_a_name_in_the_file_that_is_no_setting_is_told_at_the_start(
    door: Door, settings: Settings, lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("FAVOURITE_COLOUR=secret-value\n")
    monkeypatch.setattr(Configuration, "env_file", tmp_path / ".env")
    client = await door.client(Application(TEST_AGENTS).create_app(settings))
    assert (await client.get("/healthz")).status_code == 200
    [told] = lines.named("setting_unknown")
    assert told["problem"] == "FAVOURITE_COLOUR in .env is no setting"
    assert "secret-value" not in lines.text


def test_a_misspelt_setting_in_the_file_stops_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("LLM_MODLE=secret-value\n")
    monkeypatch.setattr(Configuration, "env_file", tmp_path / ".env")
    with pytest.raises(ConfigurationError, match="LLM_MODLE.*LLM_MODEL") as refused:
        Application(TEST_AGENTS).create_app(settings)
    assert "secret-value" not in str(refused.value)


async def test_every_line_of_a_turn_tells_where_it_belongs(client: httpx2.AsyncClient, lines: Lines) -> None:
    body = {"message": "How many moons has Mars?", "thread_id": "t1"}
    await client.post("/v1/chat", json=body, headers={"X-Request-ID": "r1"})
    told = [line for line in lines.events if line.get("request_id") == "r1"]
    assert {line["thread_id"] for line in told} == {"t1"}
    (turn,), (request,) = lines.named("turn"), lines.named("request")
    (agent,) = lines.named("agent_finished")
    assert agent["agent"] == "moons"
    assert turn["run_id"] == agent["run_id"]
    assert min(line["ms"] for line in (turn, request, agent)) >= 0
    prompts = [line for line in lines.events if "prompt" in line]
    assert ("table", "7", "moons") in {(line["prompt"], line["prompt_version"], line.get("agent")) for line in prompts}


@pytest.mark.checklist("OBS-1")
@pytest.mark.parametrize(("level", "heard"), [("INFO", True), ("ERROR", False)])
async def test_the_level_of_the_log_is_a_setting(door: Door, lines: Lines, level: str, heard: bool) -> None:
    client = await door.open(Settings(database_url="memory://", log_level=level))
    await client.get("/healthz")
    assert bool(lines.named("request")) is heard


@pytest.mark.checklist("CFG-2", "SEC-2")
@pytest.mark.parametrize("verbose", [False, True])
async def test_verbose_adds_debug_events_and_still_masks_secrets(door: Door, lines: Lines, verbose: bool) -> None:
    settings = Settings(database_url="memory://", enable_verbose_logging=verbose, llm_api_key=SecretStr(KEY))
    client = await door.open(settings)
    message = f"Moons of Mars? My key is {KEY}, password=hunter2x. Stars?"
    headers = {"X-Request-ID": KEY, "Authorization": f"Bearer {KEY}"}
    answer = await client.post("/v1/chat", json={"message": message}, headers=headers)
    assert answer.status_code == 200
    assert any(line["level"] == "debug" for line in lines.events) is verbose
    assert lines.named("agent_failed")
    assert KEY not in lines.text
    assert "hunter2" not in lines.text


@pytest.mark.checklist("CFG-1")
async def test_a_secret_of_the_settings_is_never_shown(
    door: Door, lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "llm_api_key").write_text(KEY)
    monkeypatch.setattr(Settings, "secrets_dir", tmp_path)
    settings = Settings(database_url="memory://")
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == KEY
    client = await door.open(settings)
    shown = [repr(settings), str(settings), settings.model_dump_json()]
    paths = ("/openapi.json", "/readyz", "/version", "/v1/agents", "/nothing")
    shown += [(await client.get(path)).text for path in paths]
    shown.append((await client.post("/v1/chat", json={"message": "Stars?"})).text)
    with pytest.raises(ConfigurationError) as refused:
        Settings(llm_model=KEY, llm_base_url=KEY, port=KEY)
    shown += [str(refused.value), repr(refused.value), lines.text]
    assert not [text for text in shown if KEY in text]


async def test_threads_that_wait_leave_some_for_what_they_wait_for(door: Door) -> None:
    """Earned by tools that waited in every thread for a store that needed one to save."""
    await door.open()
    together = threading.Barrier(100)
    async with asyncio.timeout(60):
        await asyncio.gather(*(asyncio.to_thread(together.wait, 60) for _ in range(together.parties)))
    assert not together.broken
