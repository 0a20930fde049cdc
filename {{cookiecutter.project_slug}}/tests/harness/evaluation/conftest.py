"""A project of its own for each test: its agents, its cases, and the command that evaluates them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.application import Application
from harness.cli import main
from harness.evaluation.cases import Case
from harness.evaluation.recorded import RecordedRun
from harness.runtime.agent import Agent
from tests.support.agents import HeightsAgent, MoonsAgent

Runs = Callable[..., RecordedRun]


@dataclass
class Project:
    """A folder with cases, and what the command says of it."""

    folder: Path
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    told: str = ""
    """On standard error."""

    def has(self, *agents: type[Agent[Any]], **parts: Any) -> None:
        """Take these agents."""
        self.patch.setattr(Application, "load", lambda: Application(agents, **parts))

    def cases(self, text: str, name: str = "cases/own") -> None:
        """Write a file of cases."""
        file = self.folder / f"evaluation/{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def evaluate(self, *options: str) -> int:
        """The exit code; `said` and `told` are what was printed."""
        code = main(["evaluate", *options])
        self.said, self.told = self.capsys.readouterr()
        return code


@pytest.fixture(autouse=True)
def _boxes_that_need_fairlearn(request: pytest.FixtureRequest) -> None:
    """Without it no test proves them: the readiness report calls them unproven."""
    boxes = {box for mark in request.node.iter_markers("checklist") for box in mark.args}
    if boxes & {"ETH-1", "ETH-4"}:
        pytest.importorskip("fairlearn")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "en")
    made = Project(tmp_path, monkeypatch, capsys)
    made.has(MoonsAgent, HeightsAgent)
    return made


@pytest.fixture
def run_of() -> Runs:
    """A run of a case, as a store would have it."""

    def make(case: Case, variant: int = 0, sample: int = 0, **given: Any) -> RecordedRun:
        fields: dict[str, Any] = {
            "question": case.questions[variant].text,
            "language": "en",
            "verdict": "work",
            "agents": ["moons"],
            "facts": [{"agent": "moons", "source": [], "fact": {"name": "mars", "number": 2}}],
            "answer": "mars has 2 moons.",
            "model": "embedded",
            "model_calls": 3,
        }
        names = {"case": case.id, "digest": case.digest, "kind": case.kind, "variant": variant, "sample": sample}
        return RecordedRun(**{**fields, **names, **given})

    return make


def case(kind: str = "functionality", **given: Any) -> Case:
    """One case."""
    return Case.model_validate({"id": "own/c", "kind": kind} | given)


def cases(count: int, **given: Any) -> Sequence[Case]:
    """Several."""
    return [case(id=f"own/c{number}", ask=f"question {number}", **given) for number in range(count)]
