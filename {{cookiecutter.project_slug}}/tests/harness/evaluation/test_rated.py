"""A bad rating becomes a case that waits for a person: masked, once, and not of a thread that is gone."""

import asyncio
from io import StringIO
from pathlib import Path

import pytest

from harness.application import Application
from harness.auth.principal import Principal
from harness.cli import main
from harness.evaluation.case_files import Cases
from harness.http.state import AppState
from harness.telemetry.logging import Logs
from tests.support.agents import TEST_AGENTS

from .conftest import Project

CALLER = Principal.anonymous()
SECRET = "sk-proj-" + "a1B2" * 10


async def rate(question: str, rating: str, *, is_deleted: bool = False) -> None:
    """Ask, rate, and perhaps delete the thread, over the store of the settings."""
    application = Application(TEST_AGENTS)
    settings = application.settings()
    async with AppState.start(application, settings, Logs(settings, StringIO()).install()) as state:
        gateway = state.gateway("v1")
        reply = await gateway.ask(CALLER, question)
        await gateway.ask(CALLER, "Height of Teide", reply.thread_id)  # the thread has gone on
        await gateway.rate(CALLER, reply.run_id, rating, f"ana@example.com says: no. {SECRET}")  # type: ignore[arg-type]
        if is_deleted:
            await gateway.delete(CALLER, reply.thread_id)


@pytest.fixture
def written(project: Project) -> Path:
    project.has(*TEST_AGENTS)
    return project.folder / "evaluation/cases/pending.yaml"


def test_a_bad_rating_becomes_a_pending_case_with_what_was_found_and_answered(written: Path, project: Project) -> None:
    asyncio.run(rate(f"How many moons has Mars? I am ana@example.com, {SECRET}", "down"))
    asyncio.run(rate("Moons of Saturn", "up"))
    asyncio.run(rate("Height of Everest", "1", is_deleted=True))
    assert main(["evaluate", "feedback"]) == 0
    text = written.read_text(encoding="utf-8")
    assert "# answer: mars has 2 moons." in text
    assert '# found by moons: {"name":"mars","number":2}' in text
    assert "# agents: moons; work" in text
    assert SECRET not in text
    assert "ana@example.com" not in text
    [case] = Cases(TEST_AGENTS).load().pending
    assert case.ask == "How many moons has Mars? I am [email], [redacted]"
    assert (case.language, case.source) == ("en", "feedback")
    assert "rated down on " in case.why
    assert ": [email] says: no. [redacted]" in case.why


def test_a_second_time_nothing_is_written_twice_and_what_a_person_wrote_stays(written: Path) -> None:
    asyncio.run(rate("Moons of Mars", "down"))
    main(["evaluate", "feedback"])
    own = written.read_text(encoding="utf-8").replace("    pending: true\n", "    facts: [2]\n")
    own = own.replace("id: rated-", "id: moons-")
    written.write_text(own, encoding="utf-8")
    asyncio.run(rate("Height of Teide", "2"))
    main(["evaluate", "feedback"])
    text = written.read_text(encoding="utf-8")
    assert text.startswith(own)
    loaded = Cases(TEST_AGENTS).load()
    assert [it.ask for it in loaded.pending] == ["Height of Teide"]
    assert [it.ask for it in loaded.counting if it.id.startswith("own/")] == ["Moons of Mars"]


def test_ratings_before_a_day_are_left_out(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(rate("Moons of Mars", "down"))
    assert main(["evaluate", "feedback", "--since", "2999-01-01"]) == 0
    assert "0 cases written" in capsys.readouterr().out
    assert not written.exists()
