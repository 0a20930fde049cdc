"""Tests of `cases` and `case_files`: what a person may write, and what is refused with file and line."""

import json
from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.evaluation.case_files import Cases
from harness.runtime.agent_flows import Handoffs
from harness.runtime.flows import Parallel
from tests.harness.runtime.test_flows import own
from tests.support.agents import HeightsAgent, MoonsAgent

from .conftest import Project, case

AGENTS = [MoonsAgent, HeightsAgent]


def problems() -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        Cases(AGENTS).load()
    return [*refused.value.problems]


def test_every_agents_examples_are_cases_and_one_line_is_another(project: Project) -> None:
    project.cases("cases:\n- ask: How many moons has Mars?\n  facts: [2, [moon, moons]]\n")
    loaded = {it.id: it for it in Cases(AGENTS).load().counting}
    assert len(loaded) == 8 + 1
    example = loaded["examples/moons/es/cuantas-lunas-tiene-marte"]
    assert (example.language, example.agents, example.verdict) == ("es", ("moons",), "work")
    assert loaded["own/how-many-moons-has-mars"].facts == (("2",), ("moon", "moons"))


def test_what_is_wrong_is_told_at_once_with_file_and_line(project: Project) -> None:
    project.cases("""\
kind: functionality
cases:
  - ask: Moons of Mars
    fact: 2
  - ask: Height of Teide
    agents: [hights]
  - ask: Height of Everest
  - ask: Height of Everest
  - group: [a, b]
  - ask: x
    verdict: wrok
  - just a text
""")
    project.cases(
        "kind: counterfactual\ncases:\n- {ask: 'x {a}', attribute: a, values: [b, c], gaps: {d: none}}\n", "cases/gaps"
    )
    project.cases("kind: [\n", "cases/broken")
    project.cases("kind: jokes\ncases:\n- ask: x\n", "cases/kind")
    project.cases("- ask: x\n", "cases/list")
    own, folder = "evaluation/cases/own.yaml", "evaluation/cases"
    told = problems()
    assert f"{own}:4: unknown key fact; did you mean facts?" in told
    assert f"{own}:6: no agent hights" not in told
    assert f"{own}:5: no agent hights; did you mean heights?; there are heights, moons" in told
    assert f"{own}:8: the id own/height-of-everest is taken, by {own}:7" in told
    assert f"{own}:9: the kind functionality has no group; it has ask" in told
    assert f"{own}:11: verdict: Input should be 'work', 'clarify' or 'decline'" in told
    assert f"{own}:12: a case is a table, such as `- ask: Will it rain in Lima?`" in told
    assert f"{folder}/gaps.yaml:3: gaps: d is none of the values" in told
    assert [it for it in told if it.startswith(f"{folder}/broken.yaml:2: this is no YAML")] != []
    assert [it for it in told if it.startswith(f"{folder}/kind.yaml:3: kind: Input should be")] != []
    assert f"{folder}/list.yaml:1: a file has `kind:` and `cases:`, a list; perhaps `needs:` and `without:`" in told
    assert len(told) == 10


WRONG = {
    "key given twice": "cases:\n- {ask: x, facts: [a], facts: [b]}\n",
    "aliases": "cases: &all\n- *all\n",
    "no YAML": "cases:\n- ask: a\x07b\n",
    "too deep": "cases: " + "[" * 5000,
    "at least 1 character": "cases:\n- {ask: x, facts: [a, '']}\n",
    "nothing fills nme": "kind: invariance\ncases:\n- {ask: 'I am {nme}', fill: {name: [Ana, Ali]}}\n",
    "no question has town in braces": "kind: invariance\ncases:\n- {ask: 'I am {a}', fill: {a: [b, c], town: [d]}}\n",
    "has no {a}": "kind: counterfactual\ncases:\n- {ask: x, attribute: a, values: [b, c]}\n",
}


@pytest.mark.parametrize("said", WRONG)
def test_what_would_test_nothing_is_refused(project: Project, said: str) -> None:
    project.cases(WRONG[said])
    [problem] = problems()
    assert problem.startswith("evaluation/cases/own.yaml:")
    assert said in problem or "this is no YAML" in problem


def test_an_id_made_of_the_question_tells_no_personal_data(project: Project) -> None:
    project.cases("cases:\n- ask: My card 4111 1111 1111 1111 and mail ana.perez@example.com\n")
    assert "own/my-card-card-and-mail-email" in {it.id for it in Cases(AGENTS).load().counting}


def test_every_file_of_the_owner_is_read(project: Project) -> None:
    project.cases("cases:\n- ask: Mars\n", "cases/desk/more")
    file = project.folder / "evaluation/cases/desk/more.yaml"
    file.rename(file.with_suffix(".yml"))
    assert "own/mars" in {it.id for it in Cases(AGENTS).load().counting}


def test_what_leaves_nothing_out_is_told(project: Project) -> None:
    project.cases("without: mons\ncases: []\n")
    assert Cases(AGENTS).load().left_out == ["mons: nothing shipped begins so: look at `without`"]


def test_a_shipped_case_of_an_agent_that_is_not_there_is_left_out_and_named(project: Project) -> None:
    project.cases("needs: [weather]\ncases:\n- ask: Rain?\n- {ask: Mars, agents: [moons], needs: []}\n", "shipped/rain")
    loaded = Cases(AGENTS).load()
    assert loaded.left_out == ["rain/rain: no agent weather"]
    assert "rain/mars" in {it.id for it in loaded.counting}


def test_shipped_cases_that_the_owner_does_not_want_are_left_out_by_agent_or_id(project: Project) -> None:
    project.cases("cases:\n- {ask: Mars, agents: [moons]}\n- {ask: Teide, agents: [heights]}\n- ask: x\n", "shipped/a")
    project.cases("without: [moons, a/x]\ncases: []\n")
    loaded = Cases(AGENTS).load()
    assert loaded.left_out[-2:] == ["a/mars: `without` names moons", "a/x: `without` names a/x"]
    assert {it.id.partition("/")[0] for it in loaded.counting} == {"examples", "a"}


def test_a_case_about_a_sample_is_left_out_where_the_sample_was_replaced(project: Project) -> None:
    (project.folder / "data").mkdir()
    (project.folder / "data/moons.csv").write_text("mars,2\n", encoding="utf-8")
    digest = Cases.digest(project.folder / "data")
    project.cases("cases:\n- {ask: Mars, agents: [moons]}\n- {ask: Teide, agents: [heights]}\n", "shipped/table")
    samples = project.folder / "evaluation/shipped" / Cases.SAMPLES
    samples.write_text(json.dumps({"data": {"moons": {"data": digest}}}), encoding="utf-8")
    assert Cases(AGENTS).load().left_out == []
    (project.folder / "data/moons.csv").write_text("mars,3\n", encoding="utf-8")
    loaded = Cases(AGENTS).load()
    assert loaded.left_out == ["table/mars: data is no longer the sample that it was written for"]
    code = project.folder / Cases.AGENTS / "moons"
    code.mkdir(parents=True)
    (code / "agent.py").write_text("moons = 2\n", encoding="utf-8")
    samples.write_text(json.dumps({"earlier": {"moons": [Cases.digest(code)]}}), encoding="utf-8")
    assert Cases(AGENTS).load().left_out == ["table/mars: src/app/agents/moons is that of an earlier template"]
    samples.write_text(json.dumps({"code": {"moons": Cases.digest(code)}}), encoding="utf-8")
    assert Cases(AGENTS).load().doubtful({"table/mars"}) == []
    (code / "agent.py").write_text("moons = 3\n", encoding="utf-8")
    loaded = Cases(AGENTS).load()
    assert (loaded.left_out, loaded.doubtful({"table/mars"}), loaded.doubtful(set())) == ([], ["moons"], [])
    assert "table/teide" in {it.id for it in loaded.counting}


def test_a_pending_case_does_not_count(project: Project) -> None:
    project.cases("cases:\n- {ask: Mars, pending: true}\n")
    loaded = Cases(AGENTS).load()
    assert [it.id for it in loaded.pending] == ["own/mars"]
    assert "own/mars" not in {it.id for it in loaded.counting}


def test_every_value_is_a_text(project: Project) -> None:
    project.cases(
        "kind: counterfactual\ncases:\n- {ask: 'From {country}?', attribute: country, values: {no: 5.20, fr: 30}}\n"
    )
    *_, norway = Cases(AGENTS).load().counting
    assert [(it.text, it.value, it.facts) for it in norway.questions] == [
        ("From no?", "no", (("5.20",),)),
        ("From fr?", "fr", (("30",),)),
    ]


def test_a_template_asks_each_of_its_fillers() -> None:
    filled = case("invariance", ask="{hello} in {place}?", fill={"hello": ["Rain", "RAIN"], "place": ["Lima", "Quito"]})
    assert [it.text for it in filled.questions] == [
        "Rain in Lima?",
        "Rain in Quito?",
        "RAIN in Lima?",
        "RAIN in Quito?",
    ]
    assert len(case("directional", ask="a", then="b").questions) == 2


def test_another_word_is_another_case_and_a_reason_is_not() -> None:
    first = case(ask="Mars?", facts=["2"])
    assert first.digest == case(ask="Mars?", facts=["2"], why="known").digest
    assert first.digest != case(ask="Mars?", facts=["3"]).digest


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "paraphrases", "group": ["one"]},
        {"kind": "counterfactual", "ask": "x", "attribute": "a", "values": ["b"]},
        {"kind": "directional", "ask": "x"},
        {"kind": "invariance", "ask": "x"},
    ],
)
def test_a_comparison_needs_two(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        case(**given)  # type: ignore[arg-type]


def test_where_nobody_plans_it_is_not_asked_who_worked_and_nobody_declines(project: Project) -> None:
    project.cases(
        """\
cases:
- {id: joke, ask: A joke, agents: [], verdict: decline}
- {id: both, ask: Mars and Teide, agents: [moons, heights]}
- {id: one, ask: Mars, agents: [moons]}
""",
        "shipped/x",
    )
    loaded = Cases(AGENTS, flow=Handoffs()).load()
    assert [it.partition(":")[0] for it in loaded.left_out] == ["x/joke", "x/both"]
    assert {it.id: it.agents for it in loaded.counting}["x/one"] is None


def test_where_one_graph_answers_its_members_are_not_asked_for(tmp_path: Path) -> None:
    assert Cases(AGENTS, tmp_path, own()).load().counting == []
    assert {it.agents for it in Cases(AGENTS, tmp_path, Parallel()).load().counting} == {("moons",), ("heights",)}
