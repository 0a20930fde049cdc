"""What an agent may rely on."""

import inspect

import pytest

from app.connectors.outside import Connectors
from app.connectors.policy import Policy
from app.errors import NeedsDetail, SourceUnavailable
from app.graph.contract import Agent
from app.settings import Settings
from tests.agents_for_tests import FlakyAgent, HeightsAgent, MoonsAgent


@pytest.fixture
def moons(settings: Settings) -> MoonsAgent:
    return MoonsAgent(Connectors(settings))


def test_a_tool_is_named_and_described_by_its_method(moons: MoonsAgent) -> None:
    [tool] = moons.tools
    assert tool.name == "look_up"
    assert tool.description == "The number of one name in the table."
    assert tool.args == {"name": {"title": "Name", "type": "string"}}


def test_an_agent_may_reach_nothing_unless_it_says_so(moons: MoonsAgent) -> None:
    assert moons.policy() == Policy(hosts=frozenset(), folder=None)


async def test_a_basic_answer_is_calls_then_tools_then_tell(moons: MoonsAgent) -> None:
    text, findings = await moons.basic_answer("Mars, Saturn", "en")
    assert text == "mars has 2 moons. saturn has 146 moons."
    assert [finding.facts["number"] for finding in findings] == [2, 146]


async def test_a_missing_detail_and_a_dead_source_are_raised(settings: Settings) -> None:
    heights, flaky = HeightsAgent(Connectors(settings)), FlakyAgent(Connectors(settings))
    with pytest.raises(NeedsDetail) as needed:
        await heights.basic_answer("¿Cuánto mide?", "es")
    assert needed.value.question == "¿Qué montaña?"
    with pytest.raises(SourceUnavailable) as unavailable:
        await flaky.basic_answer("tide", "en")
    assert unavailable.value.source == "tides.example"


def test_an_agent_without_the_deterministic_halves_cannot_be_built() -> None:
    assert inspect.isabstract(Agent)
    assert Agent.__abstractmethods__ == {"build", "calls", "tell"}
