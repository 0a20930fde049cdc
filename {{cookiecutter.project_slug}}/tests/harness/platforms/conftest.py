"""The hosts, each started once. They need the environment that `nox -s platforms` makes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.platforms.hosts import LANGGRAPH_PYTHON, Host, LangGraphHost, OpenLangGraphHost
from tests.support.callers import ANA, ANA_TALKER, EVE, TALKER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot be started."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.slow)
            if not LANGGRAPH_PYTHON:
                item.add_marker(pytest.mark.skip(reason="`nox -s platforms` runs it: it needs a LangGraph server"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the callers."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("".join(f"{it.record.line}\n" for it in (ANA, ANA_TALKER, EVE, TALKER)))
    return file


def guarded(kind: type[Host], keys: Path, folder: Path, **settings: str) -> "Iterator[Host]":
    """A host that knows the callers by their keys."""
    known = {"AUTHENTICATION": "keys", "API_KEYS_FILE": str(keys), "RATE_CALLER_PER_MINUTE": "0"}
    with kind.started({**known, "RATE_ADDRESS_PER_MINUTE": "0", **settings}, folder) as host:
        yield host


@pytest.fixture(scope="session")
def server(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A LangGraph server."""
    yield from guarded(LangGraphHost, keys, tmp_path_factory.mktemp("langgraph"))


@pytest.fixture(scope="session")
def open_server(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A LangGraph server without its hooks."""
    yield from guarded(OpenLangGraphHost, keys, tmp_path_factory.mktemp("open"))


@pytest.fixture(params=[LangGraphHost, OpenLangGraphHost])
def mortal_server(request: pytest.FixtureRequest, keys: Path, tmp_path: Path) -> Iterator[Host]:
    """A LangGraph server of one test, which may end it; with its hooks, and without."""
    yield from guarded(request.param, keys, tmp_path / "mortal")
