"""Tests of `ragas_metrics` and `trulens_metrics`: both libraries over recorded runs, in the environment that has them.

`nox -s judge` makes it and runs these tests. A scripted judge proves the wiring; it says nothing of a judge's quality.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.evaluation.judging.conftest import LABELLED, PROJECT, Folder
from tests.harness.evaluation.judging.scripted_judge import MODES, ScriptedJudge
from tests.support.peers.openai_replies import Request
from tests.support.peers.openai_server import OpenAIServer

ENVIRONMENT = Path(os.environ.get("EVALUATION_ENVIRONMENT", PROJECT / ".nox" / "judge"))
MISSING = "Ragas and TruLens are not installed: run `nox -s judge`, which brings them"

JUDGED = ("grader", "faithfulness", "answer_relevancy", "groundedness", "relevance")
TIMEOUT_SECONDS = 6
RIGHT = "Price of helmet: 39.90."


def interpreter() -> Path | None:
    """The Python that has both; None where there is none."""
    places = (ENVIRONMENT / "bin" / "python", ENVIRONMENT / "Scripts" / "python.exe")
    return next((place for place in places if place.is_file()), None)


pytestmark = [pytest.mark.slow, pytest.mark.skipif(interpreter() is None, reason=MISSING)]


@dataclass
class Judging:
    """One call of the command."""

    status: int
    told: str
    reached: str
    """What it looked up or connected to beyond this machine."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: Sequence[Request] = ()


class Desk:
    """A folder with runs, where the command is called in the environment of the libraries."""

    def __init__(self, folder: Path, server: OpenAIServer) -> None:
        self._folder = folder
        self._server = server
        self._files = Folder(folder)
        shipped = folder / "evaluation" / "shipped"
        shipped.mkdir(parents=True)
        (shipped / LABELLED.name).write_bytes(LABELLED.read_bytes())
        cases = folder / "evaluation" / "cases"
        cases.mkdir()
        asks = [{"id": name, "ask": f"What is {name}?", "agents": ["moons"]} for name in ("right", "heights")]
        (cases / "own.yaml").write_bytes(orjson.dumps({"kind": "functionality", "cases": asks}))  # JSON is YAML

    def judge(self, runs: Sequence[dict[str, Any]], **settings: str) -> Judging:
        """Score `runs` by all metrics."""
        self._files.record(runs)
        reached = self._folder / "reached.txt"
        command = ["-m", "tests.harness.evaluation.judging.watched", str(reached), "evaluate", "judge"]
        command += ["--runs", "runs.jsonl", "--scores", "scores.jsonl"]
        own = {
            "PYTHONPATH": os.pathsep.join((str(PROJECT / "src"), str(PROJECT))),
            "HOME": str(self._folder),  # Ragas keeps a number of its user there
            "LLM_GRADER_MODEL": "openai:judge",
            "LLM_BASE_URL": self._server.url,
            "LLM_API_KEY": "any",
            "LLM_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
            **settings,
        }
        before = len(self._server.requests)
        done = subprocess.run(
            [str(interpreter()), *command],
            cwd=self._folder,
            env={key: value for key, value in os.environ.items() if not key.startswith("VIRTUAL")} | own,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        judging = Judging(done.returncode, done.stdout, reached.read_text(encoding="utf-8"))
        if done.returncode == 0:
            judging.rows, judging.requests = self._files.rows(), self._server.requests[before:]
        return judging


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with OpenAIServer(ScriptedJudge()) as server:
        yield Desk(tmp_path_factory.mktemp("judging"), server)


@pytest.fixture(scope="module")
def good() -> list[dict[str, Any]]:
    """Ten labelled runs without a fault, and two whose cases name agents."""
    labelled = [it for it in map(orjson.loads, LABELLED.read_bytes().splitlines()) if it["label"] == "good"]
    mine = [Folder.run("own/right", RIGHT), Folder.run("own/heights", RIGHT, agents=["moons", "heights"])]
    return [*(it["run"] for it in labelled[:10]), *mine]


@pytest.fixture(scope="module")
def judging(desk: Desk, good: list[dict[str, Any]]) -> Judging:
    """The good runs, an invention, and one run for each way in which a judge fails."""
    broken = [Folder.run(mode, f"Price of helmet [{mode}]: 39.90.") for mode in MODES]
    return desk.judge([*good, Folder.run("invented", "Price of helmet: 29.90."), *broken])


@pytest.mark.checklist("COG-5", "COG-6")
def test_ragas_and_trulens_score_recorded_runs_by_a_model_of_the_factory(
    judging: Judging, good: list[dict[str, Any]]
) -> None:
    assert judging.status == 0, judging.told
    for metric in JUDGED:
        scores = [judging.rows[metric, run["case"]]["score"] for run in good]
        assert len(scores) >= 10
        assert None not in scores, metric
    for metric in ("grader", "faithfulness", "groundedness"):
        assert judging.rows[metric, "invented"]["score"] < judging.rows[metric, "own/right"]["score"] == 1.0
    f1 = [judging.rows["tool_call_f1", name] for name in ("own/right", "own/heights", "invented")]
    assert [(it["score"] and round(it["score"], 2), it["reason"]) for it in f1] == [
        (1.0, ""),
        (0.67, ""),
        (None, "the case names no agents"),
    ]
    rows = len(good) + 1 + len(MODES)
    assert judging.told.count(f"{rows - len(MODES)} of {rows}") == len(JUDGED)
    [about] = re.findall(r"about (\d+) calls of openai:judge", judging.told)
    assert int(about) == pytest.approx(len(judging.requests), rel=0.25)
    assert not any({"temperature", "top_p"} & request.body.keys() for request in judging.requests)


@pytest.mark.checklist("COG-5", "COG-6")
@pytest.mark.parametrize("mode", MODES)
def test_a_judge_that_fails_leaves_its_row_without_a_score(judging: Judging, mode: str) -> None:
    rows = [judging.rows[metric, mode] for metric in JUDGED]
    assert [it["score"] for it in rows] == [None] * len(JUDGED)
    assert all(it["reason"] for it in rows), rows


@pytest.mark.checklist("COG-5", "COG-6")
def test_nothing_beyond_this_machine_is_looked_up_or_reached(judging: Judging) -> None:
    assert judging.reached == ""


@pytest.mark.checklist("COG-6")
def test_an_unchanged_judge_over_unchanged_runs_is_asked_nothing_again(
    desk: Desk, judging: Judging, good: list[dict[str, Any]]
) -> None:
    again = desk.judge(good)
    assert again.status == 0, again.told
    assert len(again.requests) == 0
    assert {key: row["score"] for key, row in again.rows.items()} == {
        key: row["score"] for key, row in judging.rows.items() if key in again.rows
    }


def test_a_word_that_does_not_keep_ragas_quiet_is_refused(desk: Desk) -> None:
    refused = desk.judge([Folder.run("own/right", RIGHT)], RAGAS_DO_NOT_TRACK="1")
    assert (refused.status, refused.reached) == (2, "")
    assert "only the word true" in refused.told
