import sqlite3
from pathlib import Path

import httpx2
import pytest
from pydantic import AnyHttpUrl, SecretStr

from harness.configuration import Configuration
from harness.project import Project
from harness.runtime.agent import Agent
from harness.settings import Settings
from harness.sources.policy import Policy
from tests.conftest import Door, Lines


async def test_readiness_tells_what_answers(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/readyz")
    ready = answer.json()
    assert answer.status_code == 200
    assert ready["status"] == "ready"
    assert ready["threads"] == {"kind": "memory", "answers": True}
    assert {model["kind"] for model in ready["models"]} == {"embedded"}
    assert {model["role"] for model in ready["models"]} >= {"planner", "agent", "writer"}
    assert ready["sample_data"] is True
    assert ready["agents"] == 4
    assert ready["callers"]["mode"] == "off"


async def test_a_store_that_is_gone_ends_readiness_and_not_the_process(door: Door, tmp_path: Path) -> None:
    client = await door.open(Settings(database_url=f"sqlite:///{tmp_path}/threads.sqlite"))
    assert (await client.get("/readyz")).status_code == 200
    with sqlite3.connect(tmp_path / "threads.sqlite") as connection:
        connection.execute("DROP TABLE checkpoints")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["threads"] == {"kind": "sqlite", "answers": False}
    alive = await client.get("/healthz")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_readiness_names_the_files_that_an_agent_could_not_read(door: Door, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Open from 9 to 18.", encoding="utf-8")
    (tmp_path / "latin.md").write_bytes("año".encode("latin-1"))

    class HoursAgent(Agent[Configuration]):
        """Reads a folder."""

        name = "hours"
        description = "Opening hours."
        prompt = "Tell the hours."
        policy = Policy(tools={"read"}, folder=tmp_path)

        async def read(self) -> dict[str, str]:
            """Read the hours."""
            return self.resources.files.read_all()

    client = await door.open(agents=[HoursAgent])
    reply = (await client.post("/v1/chat", json={"message": "What are your opening hours?"})).json()
    assert "Open from 9 to 18." in reply["answer"]
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["unread_files"]) == (200, ["latin.md"])


async def test_the_version_is_that_of_the_installed_distribution(client: httpx2.AsyncClient) -> None:
    project = Project.load()
    assert (await client.get("/version")).json() == {
        "name": project.name,
        "title": project.title,
        "version": project.version,
        "commit": "unknown",
    }


@pytest.mark.checklist("DEP-2")
async def test_version_and_commit_are_told_on_request_in_the_log_and_to_prometheus(door: Door, lines: Lines) -> None:
    version = Project.load().version
    client = await door.open(Settings(database_url="memory://", commit="1a2b3c4"))
    told = (await client.get("/version")).json()
    assert (told["version"], told["commit"]) == (version, "1a2b3c4")
    (started,) = lines.named("started")
    assert (started["version"], started["commit"]) == (version, "1a2b3c4")
    metrics = (await client.get("/metrics")).text
    assert f'commit="1a2b3c4",version="{version}"' in metrics.partition("\nbuild_info")[2]


async def test_readiness_shows_the_models_of_each_role_and_whether_they_are_asked(door: Door) -> None:
    settings = Settings(
        database_url="memory://",
        llm_model="openai:first",
        llm_writer_model="embedded",
        llm_fallback_models="openai:second",
        llm_api_key=SecretStr("any"),
        llm_base_url=AnyHttpUrl("http://127.0.0.1:9/v1"),
    )
    client = await door.open(settings)

    models = (await client.get("/readyz")).json()["models"]

    links = {model["role"]: model["links"] for model in models}
    assert links["writer"] == []
    assert (
        links["agent"]
        == links["planner"]
        == [{"model": "openai:first", "breaker": "closed"}, {"model": "openai:second", "breaker": "closed"}]
    )
