"""The shipped cases: every agent that they are about has every kind, in both languages, and the files can be read."""

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from harness.application import Application
from harness.evaluation.case_files import Cases
from harness.evaluation.cases import KINDS, Case
from harness.prompts.language import LanguageDetector
from tests.support.agents import MoonsAgent

FOLDER = Path(__file__).parents[3] / "evaluation"
EXAMPLES = frozenset({"weather", "currency", "news", "knowledge"})
"""The starter agent has one answer: no change of a question gives it a direction."""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """All of them, whichever agents and sample data this project has."""
    folder = tmp_path_factory.mktemp("evaluation")
    shutil.copytree(FOLDER / "shipped", folder / "shipped", ignore=shutil.ignore_patterns(Cases.SAMPLES))
    named = {name: type(name, (MoonsAgent,), {"name": name, "examples": ()}) for name in (*EXAMPLES, "about")}
    loaded = Cases([*named.values()], folder).load()
    assert not [it for it in loaded.left_out if "no agent" in it]
    return [it for it in loaded.counting if not it.id.startswith(("examples/", "own/"))]


@pytest.mark.checklist("ETH-4")
def test_every_agent_has_every_kind(shipped: list[Case]) -> None:
    agents: dict[str, set[str]] = defaultdict(set)
    for case in shipped:
        agents[case.kind].update(case.agents or (), case.adds)
    assert {kind for kind in KINDS if agents[kind] >= EXAMPLES} == set(KINDS)
    assert {kind for kind in KINDS if "about" in agents[kind]} == set(KINDS) - {"directional"}


@pytest.mark.checklist("COG-2")
def test_ten_intents_have_five_paraphrases_in_each_language(shipped: list[Case]) -> None:
    groups: dict[str, set[str]] = defaultdict(set)
    detector = LanguageDetector("en", [it.keywords for it in Application.load().agents])
    for case in (it for it in shipped if it.kind == "paraphrases"):
        intent, _, language = case.id.rpartition("-")
        assert len(case.group) >= 5
        assert detector.detect(" ".join(case.group)) == language
        groups[intent].add(language)
    assert sum(it == {"en", "es"} for it in groups.values()) >= 10


@pytest.mark.checklist("ETH-1")
def test_every_attribute_of_people_is_varied_and_each_gap_has_a_reason(shipped: list[Case]) -> None:
    cases = [it for it in shipped if it.kind == "counterfactual"]
    assert {it.attribute for it in cases} >= {"country", "currency", "gender", "faith", "age", "name", "outlet"}
    assert all(len(reason.split()) > 5 for it in cases for reason in it.gaps.values())
