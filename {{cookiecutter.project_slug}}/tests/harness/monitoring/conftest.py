"""Prometheus and its tool, where they are installed."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.monitoring import files
from tests.support.servers import Missing, Prometheus

Promtool = Callable[..., str]


@pytest.fixture
def promtool(tmp_path: Path) -> Promtool:
    """Runs promtool beside our rules; what it says. It fails where promtool does."""
    try:
        program = Prometheus.tool()
    except Missing as missing:
        pytest.skip(str(missing))
    for name, text in files.rules().items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], cwd=tmp_path, capture_output=True, check=False, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    """A Prometheus of this test alone, not started."""
    try:
        server = Prometheus()
    except Missing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()
