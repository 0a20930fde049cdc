"""Cases are a dataset in LangSmith, runs and scores an experiment: once, masked, and nowhere where that is wished."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.cli import main
from harness.errors import ConfigurationError
from harness.evaluation.cases import Case
from harness.evaluation.judging.experiment import Experiment
from harness.evaluation.judging.metric import Score
from harness.evaluation.recorded import RecordedRun
from harness.guards.personal_data import PiiRules
from harness.settings import Settings
from harness.telemetry.langsmith import LangSmith
from harness.telemetry.redaction import Redactor
from tests.harness.evaluation.judging.conftest import PROJECT, Folder
from tests.harness.evaluation.judging.langsmith_server import LangSmithServer

SECRET = "sk-" + "planted0123456789abcdef"
KEY = "lsv2_" + "pt_planted0123456789abcdef"
CARD = "4111 1111 1111 1111"


def case(name: str, ask: str) -> Case:
    return Case(kind="functionality", id=name, ask=ask, agents=("moons",), facts=(("2",),))


def run(name: str, answer: str, sample: int = 0) -> RecordedRun:
    fact = {"agent": "moons", "source": [], "fact": {"name": "mars", "number": 2}}
    given: dict[str, Any] = {"case": name, "sample": sample, "kind": "functionality", "language": "en", "model": "m"}
    return RecordedRun(
        **given, question="How many moons has Mars?", verdict="work", agents=["moons"], facts=[fact], answer=answer
    )


CASES = [
    case("own/mars", "How many moons has Mars?"),
    case("own/key", f"How many? My key is {SECRET}, my card {CARD}."),
]
RUNS = [run("own/mars", "Mars has 2."), run("own/mars", "Two.", 1), run("own/key", f"2, and {SECRET}, {CARD}.")]
SCORES = [
    Score("grader", "own/mars", 0, 0, 1.0),
    Score("grader", "own/mars", 0, 1, None, "the judge filled no form"),
    Score("grader", "own/key", 0, 0, 0.0),
]


@pytest.fixture
def server() -> Iterator[LangSmithServer]:
    with LangSmithServer() as server:
        yield server


@pytest.fixture
def experiment(server: LangSmithServer) -> Experiment:
    settings = Settings(langsmith_endpoint=server.url, langsmith_api_key=KEY)
    redactor, hidden = Redactor([settings]), PiiRules(settings.personal_data_in).hidden
    failures: list[Exception] = []
    client = LangSmith.client(settings, redactor, hidden, failures.append)
    experiment = Experiment(client, LangSmith.masking(redactor, hidden), "tests")
    experiment.failures = failures
    return experiment


@pytest.mark.checklist("COG-4")
def test_cases_become_a_dataset_and_a_second_time_adds_nothing(server: LangSmithServer, experiment: Experiment) -> None:
    assert experiment.update_dataset(CASES) == {"added": 2, "changed": 0, "there": 0}
    before = len(server.examples)
    assert experiment.update_dataset(CASES) == {"added": 0, "changed": 0, "there": 2}
    changed = [case("own/mars", "How many moons does Mars have?"), CASES[1]]
    assert experiment.update_dataset(changed) == {"added": 0, "changed": 1, "there": 1}
    assert len(server.examples) == before == 2
    assert len(server.datasets) == 1
    assert {it["inputs"]["question"] for it in server.examples.values()} >= {"How many moons does Mars have?"}


@pytest.mark.checklist("COG-4")
def test_runs_and_scores_become_an_experiment_masked_and_without_the_author_s_address(
    server: LangSmithServer, experiment: Experiment
) -> None:
    experiment.update_dataset(CASES)
    name = experiment.upload(RUNS, SCORES)
    assert [it["name"] for it in server.sessions.values()] == [name]
    assert len(server.runs) == len(RUNS)
    assert {it["reference_example_id"] for it in server.runs.values()} == {*server.examples}
    assert sorted(it["score"] for it in server.scores if "score" in it) == [0.0, 1.0]
    unmeasured = [it["comment"] for it in server.scores if "score" not in it]
    assert unmeasured == ["not measured: the judge filled no form"]
    told = b"".join(server.bodies)
    assert b"How many moons has Mars?" in told
    assert b"2, and [redacted], [card]." in told
    for hidden in (SECRET.encode(), CARD.encode(), b"author_email"):
        assert hidden not in told
    assert experiment.upload(RUNS, SCORES) == ""  # it is there already
    assert len(server.runs) == len(RUNS)


@pytest.mark.checklist("COG-4")
def test_what_was_not_taken_whole_fails_and_another_try_completes_it(
    server: LangSmithServer, experiment: Experiment
) -> None:
    experiment.update_dataset(CASES)
    server.refused = "multipart"
    with pytest.raises(ConfigurationError, match="has not taken the whole experiment"):
        experiment.upload(RUNS, SCORES)
    assert not server.runs
    server.refused = ""
    experiment.failures.clear()
    assert experiment.upload(RUNS, SCORES)
    assert (len(server.runs), len(server.sessions)) == (len(RUNS), 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is looked up or connected to; it is refused."""
    asked: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        asked.append(arguments)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return asked


@pytest.mark.checklist("COG-4")
def test_a_local_run_gives_the_same_scores_and_looks_up_and_connects_to_nothing(asked: list[Any]) -> None:
    local = Experiment(Experiment.local_client(), lambda data: data, "tests")
    rows = local.run_locally(CASES, RUNS, SCORES)
    assert sorted(rows, key=str) == sorted(SCORES, key=str)
    assert asked == []


def prepare(folder: Folder) -> None:
    """The cases of a project, and what `evaluate` and `evaluate judge` leave."""
    cases = Path("evaluation/cases/own.yaml")
    cases.parent.mkdir()
    mars = {"id": "mars", "ask": "How many moons has Mars?", "agents": ["moons"]}
    cases.write_bytes(orjson.dumps({"cases": [mars]}))  # JSON is YAML
    folder.record([run("own/mars", "Mars has 2.").model_dump(mode="json")])
    score = {**asdict(SCORES[0]), "stamp": {"model": "openai:judge"}}
    folder.scores.write_bytes(orjson.dumps(score) + b"\n")


UPLOAD = ["evaluate", "upload", "--runs", "runs.jsonl", "--scores", "scores.jsonl"]


@pytest.mark.checklist("COG-4")
def test_one_command_uploads_and_does_nothing_the_second_time(
    folder: Folder, server: LangSmithServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(folder)
    assert main(UPLOAD) == 2
    assert "LANGSMITH_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("LANGSMITH_ENDPOINT", server.url)
    monkeypatch.setenv("LANGSMITH_API_KEY", KEY)
    assert main(UPLOAD) == 0
    assert (len(server.datasets), len(server.sessions), len(server.runs), len(server.scores)) == (1, 1, 1, 1)
    examples = len(server.examples)
    capsys.readouterr()
    assert main(UPLOAD) == 0
    told = capsys.readouterr().out
    assert f"0 added, 0 changed, {examples} there" in told
    assert "this one is there already" in told
    assert (len(server.examples), len(server.runs), len(server.scores)) == (examples, 1, 1)


@pytest.mark.checklist("COG-4")
def test_one_command_evaluates_right_here(folder: Folder, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    prepare(folder)
    assert main([*UPLOAD, "--local"]) == 0
    assert capsys.readouterr().out == "grader: 1 of 1 measured, mean 1.00\n"
    assert asked == []


def test_the_watch_sees_what_is_looked_up_and_connected_to_beyond_this_machine(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.harness.evaluation.judging.watched import watch
watch(Path(sys.argv[1]))
sys.audit("socket.getaddrinfo", "tracking.invalid", 443, 0, 0, 0)
for host in ("192.0.2.1", "127.0.0.1"):
    sys.audit("socket.connect", None, (host, 443))
"""
    told = tmp_path / "reached.txt"
    subprocess.run([sys.executable, "-c", program, str(told)], cwd=PROJECT, check=True)
    assert told.read_text(encoding="utf-8").splitlines() == [
        "socket.getaddrinfo tracking.invalid",
        "socket.connect 192.0.2.1",
    ]
