"""ARC-3: `make dev` in a fresh clone makes the environment and serves; minutes and a package index, so only when asked."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools import scan

PROJECT = Path(__file__).parents[3]
PATIENCE_SECONDS = 600
"""A cold cache fetches 100 MB; with a warm one it takes 20 seconds."""

INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE")
INHERITED_PREFIXES = ("PIP_", "UV_", "XDG_", "HTTP_", "HTTPS_", "NO_PROXY")
"""What decides where packages come from; nothing that is a setting of the service."""

asked_for = pytest.mark.skipif(
    "TEST_FRESH_CLONE" not in os.environ or shutil.which("make") is None or os.name == "nt",
    reason="it installs everything anew from a package index: set TEST_FRESH_CLONE=1 (make, not Windows)",
)


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """`make dev` in a folder, its address once it answers."""
    environment = {
        name: value for name, value in os.environ.items() if name in INHERITED or name.startswith(INHERITED_PREFIXES)
    }
    log = folder / "dev.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            ["make", "dev", f"PYTHON={getattr(sys, '_base_executable', sys.executable)}"],
            cwd=folder,
            env={**environment, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        last = time.monotonic() + PATIENCE_SECONDS
        while not answers(address):
            told = log.read_text(errors="replace")[-3000:]
            assert process.poll() is None, f"make dev ended:\n{told}"
            assert time.monotonic() < last, f"make dev does not answer:\n{told}"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # make, nox and the service: one group, all ours
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as ready:
            return bool(ready.status == 200)
    except OSError:
        return False


@asked_for
@pytest.mark.checklist("ARC-3")
def test_one_command_leads_from_a_fresh_clone_to_an_answer(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    for file in scan.files(PROJECT):  # what git has, or would have: no environment, no caches
        target = clone / file.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    assert not (clone / ".venv").exists()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served(clone, port) as address:
        with urllib.request.urlopen(f"{address}/v1/agents", timeout=30) as listed:
            agents = json.load(listed)
        question = agents[0]["examples"]["en"][0]
        body = json.dumps({"message": question}).encode()
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/v1/chat", body, head)
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer = json.load(reply)
    assert answer["answer"]
    assert agents[0]["name"] in json.dumps(answer["agents"])
