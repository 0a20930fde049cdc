"""The one load tool for every contender: wrk, with the same questions in the same order."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.benchmark.server import HOST, Server, ServerError

SCRIPT = Path(__file__).with_name("ask.lua")
ANSWER_SECONDS = 30

# As people ask: mostly one thing, sometimes two, in both languages.
QUESTIONS = (
    "What is the weather in Bogota?",
    "¿A cómo está el dólar?",
    "What is the weather in London and how much is the dollar?",
    "¿Qué tiempo hace en Madrid?",
)


class LoadToolError(Exception):
    """wrk is not there; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of the load tool against one server."""

    requests: int
    requests_per_second: float
    cpu_ms: float
    """User and system time of the server process for one request."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int

    @property
    def spread(self) -> float:
        """p95 / p50."""
        return self.p95_ms / self.p50_ms


def find_wrk() -> str:
    found = shutil.which("wrk")
    if not found:
        raise LoadToolError(
            "wrk, the load tool, is not installed: `apt-get install wrk` on Debian and Ubuntu, "
            "`brew install wrk` on macOS."
        )
    return found


def ask(server: Server, message: str, thread_id: str | None = None) -> Mapping[str, Any]:
    """The answer to one question, as the server gives it."""
    body = {"message": message} if thread_id is None else {"message": message, "thread_id": thread_id}
    request = urllib.request.Request(
        f"http://{HOST}:{server.port}/v1/chat",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


class Load:
    """Drives servers with ``questions``."""

    def __init__(self, folder: Path, questions: Sequence[str] = QUESTIONS) -> None:
        self._wrk = find_wrk()
        self._questions = folder / "questions.jsonl"
        lines = [json.dumps({"message": question}) for question in questions]
        self._questions.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def drive(self, server: Server, connections: int, seconds: int) -> Measured:
        before = server.cpu_seconds
        command = [self._wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", f"{ANSWER_SECONDS}s", "--script", str(SCRIPT), f"http://{HOST}:{server.port}/"]
        environment = os.environ | {"QUESTIONS": str(self._questions)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        cpu_seconds = server.cpu_seconds - before
        said = json.loads(done.stdout.splitlines()[-1])
        if not said["requests"]:
            raise ServerError(f"no request was answered within {seconds} s; see {server.log}")
        return Measured(
            requests=said["requests"],
            requests_per_second=said["requests"] / said["seconds"],
            cpu_ms=cpu_seconds * 1000 / said["requests"],
            p50_ms=said["p50_ms"],
            p95_ms=said["p95_ms"],
            p99_ms=said["p99_ms"],
            failed=said["failed"],
        )
