"""The evaluation over a model behind a socket: what it catches, what it counts, and that nothing is asked twice."""

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.application import Application
from harness.cli import main
from tests.support.agents import HeightsAgent, MoonsAgent
from tests.support.peers.openai_replies import Failure, Reply, Request, Text, ToolCalls
from tests.support.peers.openai_server import OpenAIServer

CASES = {
    "paraphrases": """\
kind: paraphrases
cases:
- id: moons
  group: ["How many moons has Mars?", "Moons of Mars?", "Tell me: how many moons are there around Mars?"]
  agents: [moons]
  facts: [2]
- {id: lunas, group: ["¿Cuántas lunas tiene Marte?", Lunas de Marte], language: es, agents: [moons], facts: [2]}
""",
    "same": """\
kind: invariance
cases:
- {id: shout, ask: "{how} of Mars{end}", fill: {how: [Moons, MOONS, "Please, the moons"], end: ["?", ""]}, facts: [2]}
""",
    "language": """\
kind: language
cases:
- {ask: Altura del Teide, language: es, facts: [3715]}
- {ask: Height of Teide, language: en, facts: [3715]}
""",
    "direction": """\
kind: directional
cases:
- {id: other, ask: Moons of Mars, then: Moons of Saturn, differ: [name, number]}
- {id: also, ask: Moons of Mars, then: Moons of Mars and height of Teide, adds: [heights]}
""",
    "people": """\
kind: counterfactual
cases:
- attribute: country
  group: ["I am from {country}. How many moons has Mars?", "Greetings from {country}! Moons of Mars?", "{country} asks: moons of Mars?"]
  values: [Spain, Japan, Nigeria]
  facts: [2]
""",
}

ABOUT = {"moons": ("moon", "luna"), "heights": ("height", "high", "altura", "mide")}
NAMES = {"moons": ("mars", "marte", "saturno", "saturn"), "heights": ("everest", "teide")}


@dataclass
class Model:
    """Plans and answers in two languages as a good model does, except where a test plants a fault."""

    plan: Callable[[str, list[str]], list[str]] = lambda _, agents: agents
    words: Callable[[str, str], str] = lambda _, text: text
    """Of a question and the right answer: what it says."""

    is_away: Callable[[str], bool] = lambda _: False
    stop_at: int = 0
    """The question at which Ctrl-C comes."""

    calls: int = 0
    planned: list[str] = field(default_factory=list)
    agents: dict[str, str] = field(default_factory=dict)
    """Of each part that was planned."""

    def __call__(self, request: Request) -> Reply:
        self.calls += 1
        question = next(str(it["content"]) for it in reversed(request.messages) if it["role"] == "user")
        if self.is_away(question):
            return Failure(503, "away")
        if request.model.endswith("writer"):
            return Text(" ".join(str(it["content"]) for it in request.messages[2:]))
        return self._plan(request, question) if request.model.endswith("planner") else self._work(request, question)

    def _plan(self, request: Request, question: str) -> Reply:
        self.planned.append(question)
        if len(self.planned) == self.stop_at:
            signal.raise_signal(signal.SIGINT)
        agents = [name for name, words in ABOUT.items() if any(it in question.lower() for it in words)]
        parts = question.split(" and ") if len(agents) > 1 else [question]
        tasks = [{"agent": it, "question": part} for it, part in zip(self.plan(question, agents), parts, strict=True)]
        plan = {"verdict": "work", "tasks": tasks, "text": ""}
        self.agents |= {task["question"]: task["agent"] for task in tasks}
        return ToolCalls([(request.tools[0], plan)]) if request.tools else Text(orjson.dumps(plan).decode())

    def _work(self, request: Request, question: str) -> Reply:
        low = question.lower()
        if not request.results:
            known = NAMES[self.agents[question]]
            return ToolCalls([("look_up", {"name": next((it for it in known if it in low), known[0])})])
        fact = orjson.loads(request.results[0])
        is_spanish = any(it in low for it in ("luna", "altura", "mide"))
        text = "La cifra de {name} es {number}." if is_spanish else "The figure of {name} is {number}."
        return Text(self.words(question, text.format(**fact)))


@dataclass
class Stage:
    """A project over that model, and what the command says."""

    server: OpenAIServer
    model: Model
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    told: str = ""

    def evaluate(self, *options: str) -> int:
        """The exit code."""
        code = main(["evaluate", *options])
        self.said, self.told = self.capsys.readouterr()
        return code

    @property
    def report(self) -> dict[str, Any]:
        """Of the last evaluation."""
        whole: dict[str, Any] = orjson.loads(Path("var/evaluation/report.json").read_bytes())
        return whole

    def figure(self, kind: str) -> tuple[int, int, int]:
        """n, passed, not measured."""
        it = self.report["figures"][kind]
        return it["n"], it["passed"], it["not_measured"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Application, "load", lambda: Application([MoonsAgent, HeightsAgent]))
    (tmp_path / "evaluation/cases").mkdir(parents=True)
    for name, text in CASES.items():
        (tmp_path / f"evaluation/cases/{name}.yaml").write_text(text, encoding="utf-8")
    model = Model()
    with OpenAIServer(model) as server:
        roles = {"": "agent", "PLANNER_": "planner", "WRITER_": "writer"}
        values = {f"LLM_{name}MODEL": f"openai:scripted-{role}" for name, role in roles.items()}
        values |= {"LLM_BASE_URL": server.url, "LLM_API_KEY": "any", "LANGUAGE": "en", "LLM_MAX_RETRIES": "0"}
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        yield Stage(server, model, capsys)


@pytest.fixture
def _fairlearn() -> None:
    pytest.importorskip("fairlearn")


BUT_PEOPLE = (
    "--only",
    "examples/",
    "--only",
    "own/moons",
    "--only",
    "own/lunas",
    "--only",
    "own/other",
    "--only",
    "own/a",
    "--only",
    "own/h",
)


@pytest.mark.checklist("COG-2", "COG-3")
def test_a_good_model_passes_and_the_estimate_was_right(stage: Stage) -> None:
    assert stage.evaluate(*BUT_PEOPLE) == 0, stage.said
    [estimate] = re.findall(r"about (\d+) calls of models", stage.told)
    assert abs(int(estimate) - stage.model.calls) <= 0.25 * stage.model.calls
    assert f"{stage.model.calls} calls of models" in stage.said
    assert stage.figure("paraphrases") == (2, 2, 0)


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a wrong agent in a plan": (
        {"plan": lambda question, agents: ["heights"] if question == "Moons of Mars?" else agents},
        "own/moons",
        "agents heights, not moons",
    ),
    "a dropped fact": (
        {"words": lambda question, text: "It is known." if question == "Altura del Teide" else text},
        "own/altura-del-teide",
        "3715 is not in",
    ),
    "English to a Spanish question": (
        {"words": lambda question, text: "The figure that you asked for is 3715." if "Altura" in question else text},
        "own/altura-del-teide",
        "the answer is in en, not es",
    ),
}


@pytest.mark.checklist("COG-2", "COG-3")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_the_evaluation_and_names_the_case(stage: Stage, fault: str) -> None:
    changes, case, reason = FAULTS[fault]
    for name, value in changes.items():
        setattr(stage.model, name, value)
    assert stage.evaluate(*BUT_PEOPLE) == 1
    [line] = [it for it in stage.said.splitlines() if f"{case} (failed)" in it]
    assert reason in line
    assert f"FAILED {case} failed" in stage.said


@pytest.mark.checklist("ETH-1", "ETH-4")
@pytest.mark.usefixtures("_fairlearn")
def test_every_kind_is_asked_and_disparity_is_told_with_n_and_interval(stage: Stage) -> None:
    assert stage.evaluate() == 0, stage.said
    counts = {
        "functionality": 8,
        "directional": 2,
        "paraphrases": 2,
        "language": 2,
        "invariance": 1,
        "counterfactual": 1,
    }
    assert {kind: stage.figure(kind) for kind in counts} == {kind: (n, n, 0) for kind, n in counts.items()}
    [served] = [it for it in stage.report["disparities"] if it["measure"] == "served"]
    assert (served["difference"], served["ratio"], served["interval"]) == (0.0, 1.0, [0.0, 0.0])
    assert served["n"] == {"Japan": 3, "Nigeria": 3, "Spain": 3}


@pytest.mark.checklist("ETH-1", "ETH-4")
@pytest.mark.usefixtures("_fairlearn")
def test_a_model_that_serves_one_country_worse_fails(stage: Stage) -> None:
    stage.model.words = lambda question, text: "There are none." if "Nigeria" in question else text
    assert stage.evaluate("--only", "own/") == 1
    assert "FAILED disparity by country: served: Nigeria gets 0.000 of what" in stage.said


@pytest.mark.checklist("ETH-1")
@pytest.mark.usefixtures("_fairlearn")
def test_a_model_that_is_away_for_one_group_is_no_equal_service(stage: Stage) -> None:
    stage.model.is_away = lambda question: "Japan" in question
    assert stage.evaluate("--only", "own/i-am") == 1
    assert "FAILED disparity by country: not measured: no answer to 'I am from Japan." in stage.said
    assert stage.figure("counterfactual") == (0, 0, 1)


@pytest.mark.usefixtures("ctrl_c")
def test_after_an_interruption_nothing_that_was_answered_is_asked_again(stage: Stage) -> None:
    stage.model.stop_at = 6
    assert stage.evaluate(*BUT_PEOPLE, "--at-once", "1") == 130
    first, stage.model.planned, stage.model.stop_at = stage.model.planned, [], 0
    assert stage.evaluate(*BUT_PEOPLE, "--at-once", "1") == 0
    asked = Counter(first[:5]) + Counter(stage.model.planned)
    assert "5 are there already" in stage.told
    stage.model.planned = []
    assert stage.evaluate(*BUT_PEOPLE, "--at-once", "1") == 0
    assert asked == Counter(stage.model.planned)
