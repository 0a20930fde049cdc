"""``make demo`` before it starts anything; the nox session ``demo`` runs it whole."""

import socket

import pytest

from tools import demo


def test_a_busy_port_is_refused_by_name_with_the_way_out(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("demo") / "made"
    with socket.socket() as busy:
        busy.bind((demo.HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert demo.main(["--port", str(port), "--folder", str(folder)]) == 1
    told = capsys.readouterr().err
    assert f"Port {port} of 127.0.0.1 is taken" in told
    assert f"PORT={port + 1} make demo" in told
    assert not folder.exists()


def test_a_free_port_is_still_free_after_it_was_looked_at() -> None:
    port = demo.free_port(0)
    assert demo.free_port(port) == port
