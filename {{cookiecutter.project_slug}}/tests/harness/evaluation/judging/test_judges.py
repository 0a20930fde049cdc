"""Tests of `judge_model`, `metric`, `own_metric`, `calibration` and `commands`: judges that are asked, fail, and are judged."""

import asyncio
import hashlib
from contextlib import suppress
from math import nan
from pathlib import Path
from typing import Any

import orjson
import pytest
from langchain_core.messages import HumanMessage

from harness.cli import main
from harness.evaluation.judging.calibration import Calibration, Labelled, Stamp
from harness.evaluation.judging.judge_model import JudgeModel, NotMeasured, Sitting
from harness.evaluation.judging.metric import Bench, Metric, Score
from harness.evaluation.recorded import RecordedRun
from harness.settings import Settings
from tests.harness.evaluation.judging.conftest import LABELLED, Folder, StartJudge
from tests.harness.evaluation.judging.scripted_judge import FENCED, MODES, ScriptedJudge
from tests.support.peers.openai_replies import Reply, Request, Text

JUDGE = ["evaluate", "judge", "--metrics", "grader", "--runs", "runs.jsonl", "--scores", "scores.jsonl"]
CALIBRATE = ["evaluate", "calibrate", "--metrics", "grader"]
HANGS_SECONDS = 20
RIGHT = "Price of helmet: 39.90."
INVENTED = "Price of helmet: 29.90."
LABELS = {it.run.answer: float(it.is_good) for it in Labelled.read(LABELLED)}


def by_chance(answer: str) -> float:
    """A judge that throws a coin, the same one each time."""
    return float(hashlib.sha256(answer.encode()).digest()[0] % 2)


def in_prose(_: Request) -> Reply:
    return Text("It is fine, I would say.")


def test_a_judge_that_agrees_with_people_is_calibrated_and_gates(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str]
) -> None:
    start_judge(ScriptedJudge({**LABELS, RIGHT: 1.0, INVENTED: 0.0}))
    assert main(CALIBRATE) == 0
    told = capsys.readouterr().out
    kept = orjson.loads(folder.calibration.read_bytes())["grader"]
    assert (kept["kappa"], kept["agreement"], kept["measured"]) == (1.0, 1.0, kept["labelled"])
    assert kept["recalls"] == {"wrong figure": [3, 3], "wrong unit": [2, 2], "other language": [3, 3]} | {
        "missing part": [2, 2],
        "unrelated": [2, 2],
    }
    assert "grader saw: wrong figure 3 of 3, wrong unit 2 of 2" in told

    folder.record([folder.run("right", RIGHT), folder.run("invented", INVENTED)])
    assert main([*JUDGE, "--at-least", "0.5"]) == 0
    assert main([*JUDGE, "--at-least", "0.9"]) == 1
    assert "grader 0.50 is below 0.9" in capsys.readouterr().out
    stamp = folder.rows()["grader", "right"]["stamp"]
    assert (stamp["model"], stamp["version"], stamp["calibrated"]) == ("openai:judge", "prompt 1", kept["date"])


@pytest.mark.parametrize(
    "judge",
    [ScriptedJudge(lambda _: 1.0), ScriptedJudge(by_chance), in_prose],
    ids=["always right", "by chance", "in prose"],
)
def test_a_judge_that_does_not_is_not_calibrated_and_gates_nothing(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str], judge: Any
) -> None:
    start_judge(judge)
    assert main(CALIBRATE) == 1
    folder.record([folder.run("invented", INVENTED)])
    assert main([*JUDGE, "--at-least", "1"]) == 0
    assert capsys.readouterr().out.count("grader is not calibrated, so it gates nothing: ") == 2


def test_another_model_prompt_or_set_is_another_judge(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_judge(ScriptedJudge({**LABELS, INVENTED: 0.0}))
    folder.record([folder.run("invented", INVENTED)])
    assert main(CALIBRATE) == 0
    monkeypatch.setenv("LLM_GRADER_MODEL", "openai:other")
    assert main([*JUDGE, "--at-least", "1"]) == 0
    monkeypatch.setenv("LLM_GRADER_MODEL", "openai:judge")
    file = Path("evaluation/shipped/labelled.jsonl")
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert main([*JUDGE, "--at-least", "1"]) == 0
    told = capsys.readouterr().out
    assert "calibrated with model openai:judge" in told
    assert "calibrated with labelled " in told


def test_each_malformed_judgement_is_a_row_without_a_score_and_costs_no_other(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = start_judge(ScriptedJudge())
    broken = [folder.run(mode, f"Price of helmet [{mode}]: 39.90.") for mode in (*MODES, FENCED)]
    folder.record([folder.run("right", RIGHT), *broken, folder.run("invented", INVENTED)])
    assert main(JUDGE) == 0
    rows = folder.rows()
    assert {mode: rows["grader", mode]["score"] for mode in MODES} == dict.fromkeys(MODES)
    assert all(rows["grader", mode]["reason"] for mode in MODES)
    assert [rows["grader", it]["score"] for it in ("right", FENCED, "invented")] == [1.0, 1.0, 0.0]
    told = capsys.readouterr().out
    assert f"3 of {len(MODES) + 3}" in told
    assert "not measured: grader of html: the judge gave no answer: upstream_invalid" in told
    assert not any("temperature" in request.body for request in judge.requests)


def test_a_parameter_is_sent_where_it_is_set(
    folder: Folder, start_judge: StartJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = start_judge(ScriptedJudge())
    monkeypatch.setenv("LLM_TEMPERATURE", "0.5")
    folder.record([folder.run("right", RIGHT)])
    assert main(JUDGE) == 0
    assert [request.body["temperature"] for request in judge.requests] == [0.5]


def test_an_unchanged_judge_over_unchanged_runs_is_asked_nothing_again(
    folder: Folder, start_judge: StartJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = start_judge(ScriptedJudge())
    folder.record([folder.run(f"case{at}", f"Price of helmet {at}: 39.90.") for at in range(3)])
    assert main(JUDGE) == 0
    first, asked = folder.scores.read_bytes(), len(judge.requests)
    assert main(JUDGE) == 0
    assert (len(judge.requests), folder.scores.read_bytes()) == (asked, first)
    monkeypatch.setenv("LLM_GRADER_MODEL", "openai:other")
    assert main(JUDGE) == 0
    assert len(judge.requests) == 2 * asked == 6


def test_after_an_interruption_only_what_was_not_said_is_asked(folder: Folder, start_judge: StartJudge) -> None:
    judge = start_judge(ScriptedJudge())
    folder.record([folder.run(f"case{at}", f"Price of helmet {at}: 39.90.") for at in range(3)])
    assert main([*JUDGE, "--at-once", "1"]) == 0
    said = Path("var/evaluation/judge.jsonl")
    whole = said.read_bytes()
    said.write_bytes(whole[: len(whole) - 20])  # in the last of three lines
    for asked in (4, 4):
        assert main(JUDGE) == 0
        assert len(judge.requests) == asked


@pytest.mark.parametrize("line", ["{}", "no JSON", '{"label": "good"}'])
def test_a_file_of_another_form_is_named(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    start_judge(ScriptedJudge())
    folder.runs.write_text(f"{line}\n", encoding="utf-8")
    assert main(JUDGE) == 2
    assert main([*CALIBRATE, "--labelled", "runs.jsonl"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told == ["runs.jsonl: a line is no recorded run", 'runs.jsonl: a line has no "label" or no "run"']


def test_without_a_model_that_could_judge_the_command_says_which_setting_names_one(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.record([folder.run("right", RIGHT)])
    assert main(JUDGE) == 2
    assert "LLM_GRADER_MODEL" in capsys.readouterr().err


def test_a_metric_that_is_none_and_one_that_is_not_installed_are_named(
    folder: Folder, start_judge: StartJudge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_judge(ScriptedJudge())
    folder.record([folder.run("right", RIGHT)])
    monkeypatch.setattr("harness.evaluation.judging.metric.find_spec", lambda _: None)
    assert main([*JUDGE[:3], "magic", *JUDGE[4:]]) == 2
    assert main([*JUDGE[:3], "faithfulness", *JUDGE[4:]]) == 2
    told = capsys.readouterr().err
    assert "magic is no metric; there are grader, faithfulness" in told
    assert "faithfulness is not installed; Ragas and TruLens have an environment of their own" in told


@pytest.mark.parametrize(
    ("wrong", "unmeasured", "doubts"),
    [
        (0, 0, []),
        (4, 0, []),
        (6, 0, ["kappa 0.50 is below 0.6"]),
        (0, 1, []),
        (0, 2, ["2 of 24 rows without a score"]),
        (0, 24, ["24 of 24 rows without a score", "no kappa"]),
    ],
)
def test_a_judge_counts_from_a_kappa_and_up_to_a_share_of_rows_without_a_score(
    wrong: int, unmeasured: int, doubts: list[str]
) -> None:
    labelled = [*Labelled.read(LABELLED)]
    assert [it.is_good for it in labelled].count(True) == len(labelled) / 2 == 12
    scores = []
    for at, it in enumerate(labelled):
        is_right = at % 12 >= wrong / 2  # as many of the good as of the others
        score = None if len(labelled) - at <= unmeasured else float(it.is_good == is_right)
        scores.append(Score("it", it.run.case, 0, 0, score))
    calibration = Calibration.of(Stamp("it", "1", "openai:any", ""), labelled, scores, 0.5)
    assert calibration.doubts == doubts


class Odd(Metric):
    """Gives what it is told to."""

    name = "odd"

    def __init__(self, gives: Any) -> None:
        super().__init__({})
        self._gives = gives

    @property
    def version(self) -> str:
        return "1"

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        if isinstance(self._gives, Exception):
            raise self._gives
        if self._gives == "waits":
            await asyncio.Event().wait()
        if self._gives == "swallows":
            with suppress(NotMeasured):
                await sitting.text([HumanMessage("How good is it?")])
            return 0.5
        return self._gives  # type: ignore[no-any-return]  # that is the point


@pytest.mark.parametrize(
    ("gives", "score", "reason"),
    [
        (1.0, 1.0, ""),
        (1.0000000002, 1.0, ""),
        (-1.0, None, "-1.0 is no score"),
        (nan, None, "nan is no score"),
        (None, None, "None is no score"),
        (7, None, "7 is no score"),
        (KeyError("score"), None, "odd failed: KeyError"),
        ("waits", None, "no score within 0.2 s"),
        ("swallows", None, "the judge gave no answer: connection"),
    ],
)
async def test_what_is_no_score_is_told_as_not_measured(
    folder: Folder, gives: Any, score: float | None, reason: str
) -> None:
    nobody: dict[str, Any] = {"llm_base_url": "http://127.0.0.1:9/v1", "llm_api_key": "any", "llm_max_retries": 0}
    judge = JudgeModel(Settings(llm_grader_model="openai:any", llm_timeout_seconds=0.1, **nobody))
    async with asyncio.timeout(HANGS_SECONDS):
        [row] = await Bench(judge).measure([Odd(gives)], [RecordedRun(**folder.run("it", RIGHT))])
    assert (row.score, row.reason) == (score, reason)
    await judge.aclose()
