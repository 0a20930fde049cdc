from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

import orjson
import pytest

from harness.project import Project

PLANTED = Project(
    name="pytest",
    title="Señales \"y\" 'comillas' \\ # : 🚀",
    description="x" * 400,
    language="es",
    llm_provider="ollama",
    repository_url="https://example.com/x",
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project file that is read instead of ours."""
    monkeypatch.setattr("harness.project.files", lambda _: tmp_path)
    Project.load.cache_clear()
    yield tmp_path / "project.json"
    Project.load.cache_clear()


def test_the_answers_of_the_generation_are_read_as_they_were_given(file: Path) -> None:
    file.write_bytes(orjson.dumps(asdict(PLANTED)))
    assert Project.load() == PLANTED
    assert Project.load() is Project.load()


def test_a_language_not_yet_rendered_is_english(file: Path) -> None:
    file.write_bytes(orjson.dumps({**asdict(PLANTED), "language": "<language>"}))
    assert Project.load().language == "en"


def test_the_version_is_that_of_the_distribution() -> None:
    assert PLANTED.version == metadata.version("pytest")


def test_a_project_that_is_not_installed_has_version_zero() -> None:
    assert replace(PLANTED, name="no-such-distribution").version == "0.0.0"


def test_our_own_file_is_complete() -> None:
    assert all(asdict(Project.load()).values())
