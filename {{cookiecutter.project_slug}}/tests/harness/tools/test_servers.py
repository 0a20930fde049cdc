import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tools.servers import Missing, Packages, Postgres, Redis, Server, Servers


class Nowhere(Server):
    """A server that is on no machine."""

    program = "no-such-server"
    package = "no-such-package"


def test_a_missing_server_is_told_with_its_package() -> None:
    with pytest.raises(Missing, match=r"no-such-server is not installed.*no-such-package"):
        Nowhere()


def test_only_root_may_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
    with pytest.raises(Missing, match="only root"):
        Packages.install([Nowhere])


def test_what_is_missing_is_installed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class There(Nowhere):
        """A server that is on every machine that runs this."""

        program = Path(sys.executable).name

    commands: list[list[str]] = []
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setattr("shutil.which", lambda name: None if "no-such" in name else f"/bin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    Packages.install([There])
    assert commands == []
    Packages.install([There, Nowhere])
    assert [command[2] for command in commands] == ["update", "install"]
    assert commands[1][-1] == "no-such-package"


def test_postgresql_keeps_its_data_over_a_crash(mortal_postgres: Postgres) -> None:
    url = mortal_postgres.make_database("kept")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n INTEGER)")
        connection.execute("INSERT INTO kept VALUES (7)")
    mortal_postgres.stop(signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    mortal_postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_redis_answers_and_is_gone_afterwards() -> None:
    try:
        Redis.find()
    except Missing as missing:
        pytest.skip(str(missing))
    with Servers.running([Redis]) as (server,):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(5) == b"+PONG"
        folder = server.folder
    assert not folder.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
