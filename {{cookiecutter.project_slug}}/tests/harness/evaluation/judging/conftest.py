"""A folder with recorded and labelled runs, and a judge on loopback."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.application import Application
from tests.support.agents import TEST_AGENTS
from tests.support.peers.openai_server import OpenAIServer, Script

PROJECT = Path(__file__).resolve().parents[4]
LABELLED = PROJECT / "evaluation" / "shipped" / "labelled.jsonl"
HELMET = "What is the price of a helmet?"

StartJudge = Callable[[Script], OpenAIServer]


class Folder:
    """Where the commands are called."""

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "runs.jsonl"
        self.scores = folder / "scores.jsonl"
        self.calibration = folder / "evaluation" / "calibration.json"

    @staticmethod
    def run(case: str, answer: str, **other: Any) -> dict[str, Any]:
        """A recorded run about the price of a helmet."""
        fact = {"agent": "moons", "source": [], "fact": {"name": "helmet", "price": "39.90"}}
        fixed = {"kind": "functionality", "language": "en", "verdict": "work", "model": "embedded"}
        return {
            "case": case,
            "question": HELMET,
            "agents": ["moons"],
            "facts": [fact],
            "answer": answer,
            **fixed,
            **other,
        }

    def record(self, runs: Sequence[dict[str, Any]]) -> None:
        """Keep them as `evaluate` does."""
        self.runs.write_bytes(b"".join(orjson.dumps(it) + b"\n" for it in runs))

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The scores by metric and case."""
        lines = map(orjson.loads, self.scores.read_bytes().splitlines())
        return {(it["metric"], it["case"]): it for it in lines}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """An empty one, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Application, "load", lambda: Application(TEST_AGENTS))
    shipped = tmp_path / "evaluation" / "shipped"
    shipped.mkdir(parents=True)
    (shipped / LABELLED.name).write_bytes(LABELLED.read_bytes())
    return Folder(tmp_path)


@pytest.fixture
def start_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartJudge]:
    """Starts a judge that the settings name."""
    with ExitStack() as open_servers:

        def start(script: Script) -> OpenAIServer:
            server = open_servers.enter_context(OpenAIServer(script))
            given = {"LLM_GRADER_MODEL": "openai:judge", "LLM_BASE_URL": server.url, "LLM_API_KEY": "any"}
            for name, value in {**given, "LLM_TIMEOUT_SECONDS": "3"}.items():
                monkeypatch.setenv(name, value)
            return server

        yield start
