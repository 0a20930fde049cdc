"""Tests of `harness`, `network` and `project`."""

import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

import httpx2
import orjson
import pytest
from pytest_socket import SocketConnectBlockedError

import harness
from harness.project import Extra, Project
from tests.support.peers.data_sources import FORECAST, DataSources

# The public interface: each name is there and explained, and asking for one imports no more than it needs.

SOURCE = Path(harness.__file__)


def test_every_public_name_is_there_and_explained() -> None:
    explained = {
        line.split('"')[1]
        for line in SOURCE.read_text(encoding="utf-8").splitlines()
        if line.startswith('    "') and '",  # ' in line
    }
    assert explained == set(harness.__all__)
    assert all(getattr(harness, name) is not None for name in harness.__all__)


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="Secretary"):
        _ = harness.Secretary


def test_the_command_line_explains_itself_without_the_service() -> None:
    script = (
        "import sys, harness\n"
        "try: harness.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'langgraph', 'fastapi', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=SOURCE.parents[1])


# No test reaches the network: what leaves this machine is refused while the tests run.

DOCUMENTATION_ADDRESS = "192.0.2.1"
"""Of the block that RFC 5737 keeps for examples: nobody answers there."""


@pytest.mark.checklist("TEST-8")
def test_a_connection_to_another_machine_is_refused_at_once() -> None:
    warned = pytest.warns(UserWarning, match=DOCUMENTATION_ADDRESS)
    with warned, pytest.raises(SocketConnectBlockedError) as stopped:
        socket.create_connection((DOCUMENTATION_ADDRESS, 80))
    assert DOCUMENTATION_ADDRESS in str(stopped.value)


@pytest.mark.checklist("TEST-8")
def test_a_peer_on_loopback_takes_a_data_sources_place() -> None:
    with DataSources() as sources, httpx2.Client() as client:
        reply = client.get(sources.environment["WEATHER_FORECAST_URL"])
        assert reply.json()["daily"]["time"]
        assert len(sources.asked(FORECAST)) == 1


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


def test_every_extra_has_its_packages_and_the_way_to_install_them() -> None:
    file = Path(__file__).parents[2] / "pyproject.toml"
    listed = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    endpoints = Path(__file__).parents[2] / "src/harness/endpoints"
    left_out = {name for name in ("a2a", "agui") if not (endpoints / name).exists()}
    assert listed.keys() == Extra.PACKAGES.keys() - left_out
    for name, packages in listed.items():
        assert all(any(it.startswith(f"{package}>=") for it in packages) for package in Extra.PACKAGES[name].split())
    assert "make lock; make install" in Extra.remedy("redis")
