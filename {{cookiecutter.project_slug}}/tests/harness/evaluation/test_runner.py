"""Tests of `runner`, `reader` and `recorded`: the service is asked in this process, its facts come from the store."""

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from harness.application import Application
from harness.errors import RunUnknown
from harness.evaluation.cases import Case
from harness.evaluation.grading import Grader
from harness.evaluation.reader import RunReader
from harness.evaluation.recorded import RecordedRun
from harness.evaluation.runner import Key, Runner, Runs
from harness.guards.personal_data import PiiRules
from harness.settings import Settings
from harness.storage.store import MemoryStore
from harness.telemetry.redaction import Redactor
from tests.harness.runtime.test_flows import own
from tests.support.agents import TEST_AGENTS, MoonsAgent

from .conftest import Runs as RunOf
from .conftest import case

MARS = case(ask="How many moons has Mars?")
CARD = "4111 1111 1111 1111"


async def asked(runner: Runner, *cases: Case, done: dict[Key, RecordedRun] | None = None) -> Runs:
    return await runner.run(runner.askings(cases), done or {}, lambda _: None)


async def test_a_run_is_recorded_with_its_facts_and_what_it_used() -> None:
    runs = await asked(Runner(Application(TEST_AGENTS)), MARS)
    [run] = runs.runs.values()
    assert (run.question, run.language, run.verdict, run.agents) == (MARS.ask, "en", "work", ["moons"])
    source = ["https://tables.example/moons"]
    assert run.facts == [{"agent": "moons", "source": source, "fact": {"name": "mars", "number": 2}}]
    assert run.contexts == ['{"name":"mars","number":2}']
    assert (run.answer, run.degraded, run.model_calls, run.cost_usd) == ("mars has 2 moons.", [], 3, 0.0)
    assert (run.model, run.prompts["table"], run.digest) == ("embedded", "7", MARS.digest)
    assert run.tokens > 0 < run.seconds


@pytest.mark.parametrize(
    ("question", "verdict", "degraded"),
    [
        ("How many moons?", "clarify", []),
        ("What is the meaning of life?", "decline", []),
        ("Tides in Vigo", "decline", ["source_unavailable"]),
    ],
)
async def test_what_came_of_it_is_told_as_the_caller_met_it(question: str, verdict: str, degraded: list[str]) -> None:
    [run] = (await asked(Runner(Application(TEST_AGENTS)), case(ask=question))).runs.values()
    assert (run.verdict, run.degraded) == (verdict, degraded)


async def test_secrets_and_personal_data_are_in_no_recorded_run() -> None:
    secret = "sk-proj-" + "a1B2" * 10
    [run] = (
        await asked(Runner(Application(TEST_AGENTS)), case(ask=f"Moons of Mars? Card {CARD}, {secret}"))
    ).runs.values()
    assert CARD not in run.line.decode()
    assert secret not in run.line.decode()
    assert "[card]" in run.question


async def test_what_is_done_is_not_asked_again_and_what_is_refused_is_missing(run_of: RunOf) -> None:
    long = case(id="own/long", ask="x" * 5000)
    done = run_of(MARS)
    runs = await asked(Runner(Application(TEST_AGENTS)), MARS, long, done={done.key: done})
    assert runs.runs[done.key] is done
    assert runs.missing["own/long", 0, 0].startswith("InputRefused: message: ")
    assert [row.outcome for row in Grader(runs).rows([MARS, long], 1)] == ["passed", "not measured"]


async def test_a_graph_of_ones_own_is_asked_like_any_other() -> None:
    checked = case(ask="How many moons has Mars?", facts=["2"])
    runs = await asked(Runner(Application([], flow=own())), checked)
    assert runs.runs["own/c", 0, 0].agents == ["own"]
    assert Grader(runs).rows([checked], 1)[0].outcome == "passed"


async def test_each_sample_of_each_question_is_a_run() -> None:
    runs = await asked(
        Runner(Application([MoonsAgent]), samples=2, at_once=3),
        case("paraphrases", group=["Moons of Mars?", "Mars moons"]),
    )
    assert set(runs.runs) == {("own/c", variant, sample) for variant in (0, 1) for sample in (0, 1)}


def test_an_evaluation_counts_on_no_quota_and_no_store_of_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PLANNER_MODEL", "openai:x")
    monkeypatch.setenv("USE_FAKE_DATA", "false")
    configured, given = Runner(Application([])), Runner(Application([]), model="embedded", is_live=True)
    settings = configured.settings()
    assert (settings.database_url, settings.limits, settings.use_fake_data) == ("memory://", "off", True)
    assert configured.models(settings) == "openai:x, embedded"
    assert given.models(given.settings()) == "embedded"
    assert not given.settings().use_fake_data
    disabled = settings.model_copy(update={"disable_llm": True})
    assert configured.models(disabled) == "disabled"


def test_the_fingerprint_is_another_where_the_service_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = Runner(Application([]))
    file = tmp_path / "src/app/x.py"
    file.parent.mkdir(parents=True)
    file.write_text("1")
    first = runner.fingerprint(Settings())
    assert runner.fingerprint(Settings()) == first
    assert runner.fingerprint(Settings(llm_temperature=1)) != first
    file.write_text("12")
    assert runner.fingerprint(Settings()) != first


async def test_a_run_that_is_gone_cannot_be_read() -> None:
    with pytest.raises(RunUnknown):
        await RunReader(MemoryStore(), Redactor(), PiiRules("none")).read("t", "r")


def test_a_file_of_runs_is_read_without_the_line_that_was_cut(run_of: RunOf, tmp_path: Path) -> None:
    file = tmp_path / "a/runs.jsonl"
    runs = [run_of(MARS, sample=number) for number in range(3)]
    RecordedRun.write(file, runs)
    assert [*RecordedRun.read(file)] == runs
    file.write_bytes(file.read_bytes()[:-9])
    assert [*RecordedRun.read(file)] == runs[:2]
    file.write_bytes(orjson.dumps({"case": "x"}) + b"\n")
    with pytest.raises(ValidationError):
        [*RecordedRun.read(file)]
