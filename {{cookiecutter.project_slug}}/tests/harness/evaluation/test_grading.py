"""Each kind of case: what passes, what fails and is named, and what says nothing."""

from typing import Any

import pytest

from harness.evaluation.cases import Case
from harness.evaluation.grading import Answer, Grader
from harness.evaluation.recorded import RecordedRun
from harness.evaluation.rows import Row
from harness.evaluation.runner import Runs

from .conftest import Runs as RunOf
from .conftest import case


def graded(checked: Case, *runs: RecordedRun) -> Row:
    [row] = Grader(Runs({run.key: run for run in runs})).rows([checked], 1)
    return row


def facts(*facts: dict[str, Any], agent: str = "moons") -> list[dict[str, Any]]:
    return [{"agent": agent, "source": [], "fact": it} for it in facts]


GOOD: dict[str, Any] = {"ask": "How many moons has Mars?", "agents": ["moons"], "facts": ["2"], "verdict": "work"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, ""),
        ({"agents": ["heights"]}, "agents heights, not moons"),
        ({"answer": "mars has several moons."}, "2 is not in"),
        ({"answer": "mars has 12 moons."}, "2 is not in"),
        ({"answer": "mars has 2.5 moons."}, "2 is not in"),
        ({"verdict": "decline"}, "decline, not work"),
        ({"degraded": ["ungrounded"]}, "degraded: ungrounded"),
        ({"degraded": ["llm_disabled"]}, ""),
        ({"answer": "Marte tiene 2 lunas y no sé nada más de lo que me preguntas."}, "the answer is in es, not en"),
    ],
)
def test_an_answer_is_held_against_what_must_come_of_it(run_of: RunOf, given: dict[str, Any], reason: str) -> None:
    checked = case(**GOOD)
    row = graded(checked, run_of(checked, **given))
    assert (row.outcome, reason in row.reason) == ("failed" if reason else "passed", True)


@pytest.mark.parametrize("reason", ["model_unavailable", "planner_unavailable", "source_unavailable", "out_of_time"])
def test_an_outage_measures_nothing(run_of: RunOf, reason: str) -> None:
    checked = case(**GOOD)
    row = graded(checked, run_of(checked, degraded=[reason], verdict="decline", answer="Later."))
    assert (row.outcome, row.reason) == ("not measured", f"'How many moons has Mars?': {reason}")
    assert graded(checked).reason == "'How many moons has Mars?': not asked"


def test_what_must_not_stand_in_the_answer_and_one_of_several_words(run_of: RunOf) -> None:
    checked = case(ask="Moons?", facts=[["moon", "moons"]], absent=["Phobos"])
    assert graded(checked, run_of(checked)).outcome == "passed"
    assert "Phobos is in the answer" in graded(checked, run_of(checked, answer="Moons: phobos.")).reason


@pytest.mark.parametrize(
    ("text", "answer", "holds"),
    [
        ("5 °C", "It is 5 °C.", True),
        ("10 °C", "Between 5-10 °C.", True),
        ("10:00 to 14:00", "Saturday 10:00 to 14:00", True),
        ("5 °C", "It is -5 °C.", False),
        ("10", "In all 10 000.", False),
        ("250", "In all 1 250.", False),
        ("250", "In all 1,250.", False),
        ("86", "In all 86.21.", False),
    ],
)
def test_a_figure_is_no_part_of_another(run_of: RunOf, text: str, answer: str, holds: bool) -> None:
    assert Answer(run_of(case(ask="x"), answer=answer)).holds(text) is holds


def test_figures_are_read_as_they_are_written(run_of: RunOf) -> None:
    facts = [{"agent": "a", "source": "s", "fact": {"rate": it}} for it in (1.125, 0.625, "1,250.50", "1.250", 3)]
    assert Answer(run_of(case(ask="x"), facts=facts)).figures("rate") == [1.125, 0.625, 1250.5, 1250.0, 3.0]


def test_one_broken_paraphrase_fails_its_group(run_of: RunOf) -> None:
    checked = case("paraphrases", group=["Moons of Mars?", "What circles Mars?", "Does Mars have moons?"])
    runs = [run_of(checked, variant) for variant in range(3)]
    assert graded(checked, *runs).outcome == "passed"
    other = run_of(checked, 1, agents=["heights"])
    assert graded(checked, runs[0], other, runs[2]).reason == (
        "'What circles Mars?': agents heights, not moons as of the first"
    )
    fewer = run_of(checked, 2, facts=[])
    assert "'Does Mars have moons?': other facts than of the first" in graded(checked, *runs[:2], fewer).reason
    assert graded(checked, *runs[:2]).outcome == "not measured"
    assert graded(checked, runs[0], other).outcome == "failed"


def test_an_invariance_may_compare_named_facts_alone(run_of: RunOf) -> None:
    first, then = facts({"name": "mars", "asked": "Mars"}), facts({"name": "mars", "asked": "MARS"})
    checked = case("invariance", group=["Mars?", "MARS?"])
    assert graded(checked, run_of(checked, facts=first), run_of(checked, 1, facts=then)).outcome == "failed"
    checked = case("invariance", group=["Mars?", "MARS?"], same=["name"])
    assert graded(checked, run_of(checked, facts=first), run_of(checked, 1, facts=then)).outcome == "passed"
    asked_back = run_of(checked, 1, facts=first, verdict="clarify")
    assert "clarify, not work as of the first" in graded(checked, run_of(checked, facts=first), asked_back).reason
    checked = case("invariance", group=["Mars?", "MARS?"], same=["nmae"])
    assert graded(checked, run_of(checked), run_of(checked, 1)).reason == "'MARS?': no fact is called nmae"


def test_refused_alike_is_no_consistency_unless_it_is_meant(run_of: RunOf) -> None:
    declined: dict[str, Any] = {"verdict": "decline", "agents": [], "facts": []}
    checked = case("paraphrases", group=["Moons?", "Mars?"])
    runs = [run_of(checked, variant, **declined) for variant in (0, 1)]
    assert "decline, not work" in graded(checked, *runs).reason
    meant = case("paraphrases", group=["Moons?", "Mars?"], agents=[])
    assert graded(meant, *runs).outcome == "passed"


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ({}, ""),
        ({"day": "2026-01-01"}, "day is the same: '2026-01-01'"),
        ({"amount": 150.0}, "amount is not 2 times [100.0]: [150.0]"),
        ({"place": "Quito"}, "place is another: 'Quito'"),
        ({"agents": ["moons"]}, "agents moons, not also heights"),
    ],
)
def test_a_direction_changes_what_it_says_and_nothing_else(run_of: RunOf, then: dict[str, Any], reason: str) -> None:
    checked = case(
        "directional", ask="a", then="b", differ=["day"], same=["place"], times={"amount": 2}, adds=["heights"]
    )
    before = {"day": "2026-01-01", "place": "Lima", "list": [{"amount": 100.0}]}
    found = {"day": then.get("day", "2026-01-02"), "place": then.get("place", "Lima")}
    found |= {"list": [{"amount": then.get("amount", 200.4)}]}
    second = run_of(checked, 1, facts=facts(found), agents=then.get("agents", ["moons", "heights"]))
    row = graded(checked, run_of(checked, facts=facts(before)), second)
    assert (row.outcome, reason in row.reason) == ("failed" if reason else "passed", True)


def test_a_fact_that_there_is_not_is_named(run_of: RunOf) -> None:
    checked = case("directional", ask="a", then="b", differ=["dya"])
    assert graded(checked, run_of(checked), run_of(checked, 1)).reason == "'b': no fact is called dya"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Tienes 30 días para devolver una compra.", ""),
        (
            "Tienes 30 días para la devolución; escriba usted a la tienda.",
            "it mixes tu (tienes) and usted (escriba, usted)",
        ),
        ("Mola: son 30 días para devolver la compra.", "slang: mola"),
        ("You have 30 days to return what you bought in the shop.", "the answer is in en, not es"),
    ],
)
def test_a_language_case_keeps_to_one_language_and_one_register(run_of: RunOf, answer: str, reason: str) -> None:
    checked = case("language", ask="¿Días?", language="es")
    row = graded(checked, run_of(checked, language="es", answer=answer, facts=[]))
    assert (row.outcome, reason in row.reason) == ("failed" if reason else "passed", True)


def test_a_question_taken_for_another_language_fails(run_of: RunOf) -> None:
    checked = case("language", ask="Titulares", language="es")
    assert "the question was taken for en, not es" in graded(checked, run_of(checked, answer="2", language="en")).reason


def test_what_an_answer_quotes_is_in_its_sources_language(run_of: RunOf) -> None:
    checked = case("language", ask="¿Titulares?", language="es")
    headline = "The government says that it will not go to the talks with them"
    run = run_of(checked, language="es", answer=f"Titulares de hoy:\n- {headline}", facts=facts({"title": headline}))
    assert graded(checked, run).outcome == "passed"
