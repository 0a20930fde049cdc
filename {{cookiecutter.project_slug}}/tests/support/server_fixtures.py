"""The servers as fixtures: a test that asks for one is skipped, with the reason, where its programs are not installed."""

import sys
from collections.abc import Iterator
from itertools import count

import pytest

from tests.support.servers import Missing, Postgres, Redis, Server

NUMBERS = count(1)


def started(kind: type[Server]) -> Iterator[Server]:
    if sys.platform == "win32":
        pytest.skip("servers are started on Linux and macOS only")
    try:
        server = kind()
    except Missing as missing:
        pytest.skip(str(missing))
    with server.running():
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL of this session that all its tests share: do not stop it."""
    yield from started(Postgres)


@pytest.fixture
def database_url(postgres_server: Postgres) -> str:
    """An empty database."""
    return postgres_server.make_database(f"test_{next(NUMBERS)}")


@pytest.fixture
def mortal_postgres() -> Iterator[Server]:
    """A PostgreSQL of this test alone: it may be killed and started again."""
    yield from started(Postgres)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """A Redis of this session that all its tests share: do not stop it."""
    yield from started(Redis)


@pytest.fixture
def mortal_redis() -> Iterator[Server]:
    """A Redis of this test alone: it may hang, be killed and started again."""
    yield from started(Redis)
