"""What every agent owes, yours too: examples that find it and that it answers, words in both languages."""

from typing import Any

import pytest

from app.agents import AGENTS
from app.main import create_app
from app.settings import ServiceSettings
from harness.guards.grounding import Grounding
from harness.locale.locale import Locale
from harness.prompts.language import Language, LanguageDetector
from harness.runtime.agent import Agent
from harness.runtime.planner import RulesPlanner
from tests.agents.conftest import Built
from tests.conftest import Door


def examples(*agents: type[Agent[Any]]) -> list[Any]:
    return [
        pytest.param(agent, language, question, id=f"{agent.name}-{language}-{at}")
        for agent in agents
        for language, questions in agent.examples.items()
        for at, question in enumerate(questions)
    ]


EXAMPLES = examples(*AGENTS)
FROM_DATA = examples(*(agent for agent in AGENTS if agent.grounding != "open"))  # the others take a model


@pytest.mark.parametrize(("agent", "language", "question"), FROM_DATA)
async def test_an_example_is_answered_from_sample_data_with_figures_that_the_data_hold(
    on_samples: Built, agent: type[Agent[Any]], language: Language, question: str
) -> None:
    answer, findings = await on_samples(agent).answer_without_model(question, language)
    assert answer
    assert any(finding.sources for finding in findings)
    facts = [question, [finding.facts for finding in findings]]
    assert Grounding(facts).unsupported(answer) == []


@pytest.mark.parametrize(("agent", "language", "question"), EXAMPLES)
def test_an_example_finds_its_agent_and_its_language(
    on_samples: Built, agent: type[Agent[Any]], language: Language, question: str
) -> None:
    other: Language = "en" if language == "es" else "es"
    planner = RulesPlanner([on_samples(each) for each in AGENTS], max_tasks=4)
    plan = planner.plan(question, language, [])
    assert [task["agent"] for task in plan["tasks"]] == [agent.name]
    assert LanguageDetector(other).detect(question) == language


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_speaks_both_languages(on_samples: Built, agent: type[Agent[Any]]) -> None:
    for language in Locale.SHIPPED:
        assert agent.description[language]
        on_samples(agent).prompt.render(language)  # raises where it names a value that nobody gives
    assert all(tool.description for tool in on_samples(agent).toolset)


async def test_the_service_starts_with_all_of_them_and_tells_who_answers(door: Door) -> None:
    """`src/app/main.py` as a server process takes it, with your settings, prompts and sentences."""
    client = await door.client(create_app(ServiceSettings(database_url="memory://")))
    names = [agent["name"] for agent in (await client.get("/v1/agents")).json()]
    assert names == [agent.name for agent in AGENTS]
