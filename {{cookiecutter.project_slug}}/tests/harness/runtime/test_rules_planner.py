"""Which agents a message reaches when rules plan."""

import pytest

from harness.prompts.language import Language, LanguageDetector
from harness.runtime.planner import RulesPlanner
from harness.runtime.state import Plan, Turn
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.support.agents import TEST_AGENTS, HeightsAgent, MoonsAgent


@pytest.fixture
def planner(settings: Settings) -> RulesPlanner:
    connectors = SourceConnections(settings)
    return RulesPlanner([agent(connectors) for agent in TEST_AGENTS], max_tasks=2)


def planned(planner: RulesPlanner, question: str, *history: Turn) -> Plan:
    return planner.plan(question, LanguageDetector("en").detect(question), history)


def tasks(plan: Plan) -> list[tuple[str, str]]:
    return [(task["agent"], task["question"]) for task in plan["tasks"]]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many moons has Mars?", [("moons", "How many moons has Mars?")]),
        (
            "How many moons has Mars and how high is Everest?",
            [("moons", "How many moons has Mars"), ("heights", "how high is Everest?")],
        ),
        (
            "¿Cuántas LUNAS tiene Marte y cuánto mide el Teide?",
            [("moons", "¿Cuántas LUNAS tiene Marte"), ("heights", "cuánto mide el Teide?")],
        ),
        ("Moons of Mars and Saturn", [("moons", "Moons of Mars and Saturn")]),
        ("Good morning. Any moon of Mars?", [("moons", "Good morning. Any moon of Mars?")]),
        ("Height of 3.5 Teides, please", [("heights", "Height of 3.5 Teides, please")]),
        ("moons of Mars, moons of Saturn", [("moons", "moons of Mars, moons of Saturn")]),
    ],
)
def test_each_clause_goes_to_the_agent_of_its_keywords(
    planner: RulesPlanner, question: str, expected: list[tuple[str, str]]
) -> None:
    plan = planned(planner, question)
    assert plan["verdict"] == "work"
    assert tasks(plan) == expected


@pytest.mark.parametrize("agent", [MoonsAgent, HeightsAgent])
@pytest.mark.parametrize("language", ["en", "es"])
def test_an_agent_is_reached_by_its_own_examples(
    planner: RulesPlanner, agent: type[MoonsAgent], language: Language
) -> None:
    for example in agent.examples[language]:
        assert tasks(planned(planner, example)) == [(agent.name, example)]


@pytest.mark.parametrize(
    "question",
    ["Paris?", "How is it in New York?", "¿Y eso?", "hello", "tell me about Paris", "Hola", "How long does it take?"],
)
def test_a_vague_message_is_asked_back_about(planner: RulesPlanner, question: str) -> None:
    plan = planned(planner, question)
    assert plan["verdict"] == "clarify"
    assert "Moons of a planet." in plan["text"] or "Lunas de un planeta." in plan["text"]


def test_a_question_of_another_domain_is_declined_in_its_language(planner: RulesPlanner) -> None:
    plan = planned(planner, "Escribe un poema sobre gatos y perros")
    assert plan["verdict"] == "decline"
    assert plan["text"].startswith("No puedo ayudarte con eso.")
    assert "- Lunas de un planeta." in plan["text"]


@pytest.mark.parametrize(("count", "verdict"), [(2, "work"), (3, "clarify")])
def test_more_tasks_than_allowed_are_asked_to_come_apart(planner: RulesPlanner, count: int, verdict: str) -> None:
    question = ", ".join(["moons of Mars", "height of Teide", "moons of Saturn"][:count])
    plan = planned(planner, question)
    assert plan["verdict"] == verdict
    assert ("at most 2" in plan["text"]) is (verdict == "clarify")


def exchange(asked: bool) -> Turn:
    return Turn(question="How many moons?", language="en", answer="…", agents=["moons"], asked=asked)


def test_a_follow_up_goes_to_the_agents_of_the_turn_before(planner: RulesPlanner) -> None:
    plan = planned(planner, "and Saturn?", exchange(asked=False))
    assert tasks(plan) == [("moons", "and Saturn?")]


def test_the_detail_asked_for_completes_the_question_before(planner: RulesPlanner) -> None:
    plan = planned(planner, "Saturn", exchange(asked=True))
    assert tasks(plan) == [("moons", "How many moons? Saturn")]


def test_a_new_question_is_no_follow_up(planner: RulesPlanner) -> None:
    plan = planned(planner, "Write a poem about cats", exchange(asked=False))
    assert plan["verdict"] == "decline"


def test_without_agents_everything_is_declined() -> None:
    assert planned(RulesPlanner([], 2), "How many moons has Mars?")["verdict"] == "decline"
