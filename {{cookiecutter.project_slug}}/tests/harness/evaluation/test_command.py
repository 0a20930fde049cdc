"""The command from a person's side: one run, an interrupted one, an accepted baseline, money that is asked about."""

import asyncio
import signal
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from rich.console import Console

from harness.evaluation.command import Evaluate, Meter
from harness.evaluation.gate import Baseline
from harness.evaluation.recorded import RecordedRun
from harness.service import Service
from tests.support.agents import FlakyAgent, HeightsAgent, MoonsAgent

from .conftest import Project

OUT = Path("var/evaluation")
WRONG = "cases:\n- {ask: Moons of Mars, facts: [3]}\n"
FLEXIBLE = (
    "cases:\n- {ask: Moons of Mars, facts: [3], must: false}\n- {ask: Moons of Saturn, facts: [146], must: false}\n"
)


class LyingMoons(MoonsAgent):
    """Its words leave out what its tool has found."""

    name = "moons"

    def render(self, findings: Any, language: Any) -> str:
        return {"en": "I found the moons that you asked for.", "es": "I found the moons that you asked for."}[language]


def asked(monkeypatch: pytest.MonkeyPatch, stop_after: int = 0) -> list[str]:
    """What the service is asked from now on; it is interrupted after so many."""
    questions: list[str] = []
    ask = cast(Callable[..., Any], Service.ask)

    async def counting(self: Service, message: str, *given: Any, **named: Any) -> Any:
        if stop_after and len(questions) == stop_after:
            signal.raise_signal(signal.SIGINT)  # Ctrl-C
            await asyncio.Event().wait()
        questions.append(message)
        return await ask(self, message, *given, **named)

    monkeypatch.setattr(Service, "ask", counting)
    return questions


def test_a_fresh_project_is_evaluated_by_one_command_and_passes(project: Project) -> None:
    assert project.evaluate() == 0
    assert "functionality │ 8 │ 8" in project.said
    assert "0.68 to 1.00" in project.said
    assert "8 questions, about 24 calls of models" in project.told
    assert "8 questions, 24 calls of models" in project.said
    assert {it.name for it in OUT.iterdir()} == {"runs.jsonl", "report.md", "report.json", "report.html"}
    assert len([*RecordedRun.read(OUT / "runs.jsonl")]) == 8


def test_a_case_that_fails_is_named_and_makes_it_exit_1(project: Project) -> None:
    project.cases(WRONG)
    assert project.evaluate() == 1
    assert "FAILED own/moons-of-mars failed" in project.said
    assert "own/moons-of-mars (failed): 'Moons of Mars': 3 is not in 'mars has 2 moons.'" in project.said


def test_an_agent_that_leaves_out_what_it_found_and_speaks_english_is_caught(project: Project) -> None:
    project.has(LyingMoons, HeightsAgent)
    project.cases("cases:\n- {ask: Moons of Mars, facts: [2]}\n")
    assert project.evaluate() == 1
    assert "own/moons-of-mars (failed): 'Moons of Mars': 2 is not in" in project.said
    [line] = [it for it in project.said.splitlines() if "examples/moons/es/lunas-de-saturno (failed)" in it]
    assert "the answer is in en, not es" in line


def test_a_wrong_file_or_a_word_that_begins_no_case_is_misuse(project: Project) -> None:
    assert project.evaluate("--only", "nothing/") == 2
    assert project.told == "no case begins with nothing/\n"
    project.cases("cases:\n- {ask: x, fact: y}\n")
    assert project.evaluate() == 2
    assert project.told == "evaluation/cases/own.yaml:2: unknown key fact; did you mean facts?\n"


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_run_goes_on_where_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        first = asked(patch, stop_after=5)
        assert project.evaluate("--at-once", "1") == 130
    rest = asked(monkeypatch)
    assert project.evaluate("--at-once", "1") == 0
    assert "5 are there already" in project.told
    assert (len(first), len(rest), len({*first, *rest})) == (5, 3, 8)
    assert [*OUT.glob("running-*")] == []
    assert len([*RecordedRun.read(OUT / "runs.jsonl")]) == 8


def test_the_last_runs_can_be_judged_anew_without_a_question(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.evaluate() == 0
    questions = asked(monkeypatch)
    assert project.evaluate("--recorded") == 0
    assert "functionality │ 8 │ 8" in project.said
    project.cases(WRONG)
    assert project.evaluate("--recorded") == 1
    assert "not recorded, or the case has changed since" in project.said
    assert questions == []


def test_some_cases_alone_leave_the_runs_of_the_others(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.evaluate() == 0
    questions = asked(monkeypatch)
    assert project.evaluate("--only", "examples/heights/", "--only", "examples/moons/es") == 0
    assert len(questions) == 6
    assert len([*RecordedRun.read(OUT / "runs.jsonl")]) == 8


def test_an_accepted_result_is_what_later_ones_are_held_against(project: Project) -> None:
    project.cases(FLEXIBLE)
    assert project.evaluate() == 1
    assert project.evaluate("--accept") == 0
    assert "accepted: evaluation/baseline.json" in project.said
    assert project.evaluate() == 0
    assert "10 cases compared: 0 better, 0 worse, p = 1.0000" in project.said
    project.cases(FLEXIBLE.replace("[3]", "[2]"))
    assert project.evaluate("--accept", "--only", "own/") == 0
    assert "changed, not compared: own/moons-of-mars" in project.said
    accepted = Baseline.load(Path("evaluation/baseline.json"))["embedded"].cases
    assert (len(accepted), accepted["own/moons-of-mars"][1]) == (10, 1.0)
    assert "not there any more" not in project.said


def test_samples_are_several_tries_of_each_case(project: Project) -> None:
    assert project.evaluate("--samples", "3") == 0
    assert "Of 8 cases with 3 samples each" in project.said
    assert "functionality │ 24 │ 24" in project.said
    assert "0.68 to 1.00" in project.said  # as of 8 cases, not of 24


def test_pending_and_left_out_cases_are_told(project: Project) -> None:
    project.cases("cases:\n- {ask: Moons, pending: true}\n")
    project.cases("needs: [weather]\ncases:\n- ask: Rain?\n", "shipped/rain")
    assert project.evaluate() == 0
    assert "left out: no agent weather: 1 shipped cases" in project.said
    assert "1 pending cases wait for a person who says what is right" in project.said
    assert orjson.loads((OUT / "report.json").read_bytes())["passed"] is True


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 1)])
def test_what_may_cost_much_is_asked_first(
    project: Project, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    assert project.evaluate() == 0
    runs = [it.model_copy(update={"cost_usd": 1.0}) for it in RecordedRun.read(OUT / "runs.jsonl")]
    RecordedRun.write(OUT / "runs.jsonl", runs)
    monkeypatch.setattr("harness.evaluation.estimate.Estimate.FREE", ())
    assert project.evaluate() == 1
    assert "cost 8.00 USD\nnot begun: that is more than 1.00 USD; say --yes, or --ask-above" in project.told
    assert project.evaluate("--ask-above", "9") == 0
    RecordedRun.write(OUT / "runs.jsonl", runs)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert project.evaluate() == code


def test_a_terminal_gets_a_bar_and_a_log_ten_lines() -> None:
    log, terminal = StringIO(), StringIO()
    with Meter.shown(Console(file=log), 20) as advance:
        for _ in range(20):
            advance()
    assert log.getvalue().splitlines() == [f"{number} of 20" for number in range(2, 21, 2)]
    with Meter.shown(Console(file=terminal, force_terminal=True), 1) as advance:
        advance()
    assert "asking" in terminal.getvalue()


def test_after_an_outage_its_questions_alone_are_asked_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoMoons(MoonsAgent):
        name = "moons"
        look_up = FlakyAgent.look_up

    project.has(NoMoons, HeightsAgent)
    assert project.evaluate() == 1
    assert "4 not measured, 0 allowed: examples/moons/en/how-many-moons-has-mars" in project.said
    project.has(MoonsAgent, HeightsAgent)
    questions = asked(monkeypatch)
    assert project.evaluate() == 0
    assert len(questions) == 4


def test_what_failed_is_asked_again_the_next_time_and_nothing_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.cases(f"cases:\n- ask: {'x' * 5000}\n  id: long\n  must: false\n")
    assert project.evaluate() == 1
    assert "1 not measured, 0 allowed: own/long" in project.said
    questions = asked(monkeypatch)
    assert project.evaluate("--most-unmeasured", "1") == 0
    assert len(questions) == 1
    assert Evaluate.RUNS in {it.name for it in OUT.iterdir()}
