"""DynamoDB as moto plays it: a server on loopback, from the environment of `nox -s aws` or from PATH."""

import os
from collections.abc import Iterator, Sequence
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

import harness.storage.dynamodb
from tests.support.processes import PROJECT
from tests.support.server_fixtures import started
from tests.support.servers import ADDRESS, Server

NUMBERS = count(1)

ONE_BY_ONE = """
import threading
from moto import server
lock, application = threading.Lock(), server.DomainDispatcherApplication
answer = application.__call__
def one(*request):
    with lock:
        return list(answer(*request))
application.__call__ = one
server.main()
"""
"""`moto_server`, its requests one by one: a real table holds a condition while it writes, moto's threads do not."""

TABLE = Path(harness.storage.dynamodb.__path__[0]) / "table.json"


class Moto(Server):
    """Amazon's services, in memory."""

    program = "moto_server"
    package = "(none; `nox -s aws` installs it)"
    places = (f"{escape(str(PROJECT)).lstrip('/')}/.nox/aws/bin",)

    @property
    def url(self) -> str:
        """Of every service."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads AWS's own client there."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "planted",
            "AWS_SECRET_ACCESS_KEY": "planted",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def command(self) -> Sequence[str]:
        """`moto_server` on loopback alone."""
        return [str(self.binary.with_name("python")), "-c", ONE_BY_ONE, "-H", ADDRESS, "-p", str(self.port)]

    def answers(self) -> bool:
        """True when it takes requests."""
        return self._talk(b"GET /moto-api/ HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")

    def client(self) -> Any:
        """To look behind the service's back."""
        return pytest.importorskip("boto3").client("dynamodb", endpoint_url=self.url, region_name="eu-west-1")

    def make_table(self, name: str) -> str:
        """Make an empty table; its address."""
        self.client().create_table(TableName=name, **orjson.loads(TABLE.read_bytes()))
        return f"dynamodb://{name}"


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    """A server of this session that all its tests share: do not stop it."""
    pytest.importorskip("boto3")
    yield from started(Moto)


@pytest.fixture
def mortal_moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of this test alone: it may hang, be killed and started again, empty."""
    pytest.importorskip("boto3")
    for server in started(Moto):
        assert isinstance(server, Moto)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def dynamodb_url(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty table."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    return moto.make_table(f"test-{os.getpid()}-{next(NUMBERS)}")
