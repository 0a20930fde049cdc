"""The embedded model in flows of agents: what members ask back, and what part of an answer is left of it."""

from harness.prompts.messages import LocalizedMessage
from harness.runtime.agent_flows import Supervisor
from tests.harness.runtime.graphs import Stage
from tests.support.agents import BuggyAgent, HeightsAgent, MoonsAgent


class ExplainingAgent(MoonsAgent):
    """Asks back with more than a question, and with a figure that no tool has found."""

    detail = LocalizedMessage(en="Which planet, one of 8? Its name helps, such as Mars.", es="¿Qué planeta, de los 8?")


AGENTS = [ExplainingAgent, HeightsAgent]


async def test_a_member_that_asks_back_asks_the_user(begin: Stage) -> None:
    reply = await begin(Supervisor(), agents=AGENTS).say("How many moons has it?")
    assert (reply.answer, reply.degraded_because) == (ExplainingAgent.detail.format("en"), [])


async def test_what_the_others_found_is_told_beside_what_a_member_asks(begin: Stage) -> None:
    reply = await begin(Supervisor(), agents=AGENTS).say("How many moons has it and how high is Everest?")
    assert "everest is 8849 m high." in reply.answer
    assert ExplainingAgent.detail.format("en") in reply.answer


async def test_an_answer_says_that_a_member_failed_beside_what_the_others_found(begin: Stage) -> None:
    reply = await begin(Supervisor(), agents=[MoonsAgent, BuggyAgent]).say("Moons of Mars and the star of Vega")
    assert "mars has 2 moons." in reply.answer
    assert reply.degraded_because == ["model_unavailable"]
