"""The judge, where one is set, has its say in each way to an answer: a graph's, one after an approval, a writer's."""

import pytest
from langchain.agents import create_agent

from harness.guards.grounding_judge import GroundingJudge
from harness.runtime.graph_model import model
from harness.settings import Settings
from tests.harness.guards.test_grounding_judge import Verdicts, judge
from tests.harness.runtime.graphs import InTurn, Shop, Stage, call
from tests.harness.runtime.test_planner import Plans, turn
from tests.support.scripted_model import PLAN, QUESTION


@pytest.fixture(autouse=True)
def _judged(monkeypatch: pytest.MonkeyPatch) -> None:
    made = judge(Verdicts())
    monkeypatch.setattr(GroundingJudge, "from_settings", lambda *_: made)


@pytest.mark.parametrize(("said", "degraded"), [("It is open.", []), ("It is lovely.", ["ungrounded"])])
async def test_a_graph_of_ones_own(begin: Stage, shop: Shop, said: str, degraded: list[str]) -> None:
    graph = create_agent(model(), [shop.find])
    reply = await begin(graph, InTurn(call("find", number=7), said)).say("What is the state of order 7?")
    assert (said in reply.answer, reply.degraded_because) == (not degraded, degraded)


@pytest.mark.parametrize(("said", "degraded"), [("It is done.", []), ("It is lovely.", ["ungrounded"])])
async def test_the_words_of_a_graph_after_an_approval(begin: Stage, shop: Shop, said: str, degraded: list[str]) -> None:
    """The call is told as done all the same."""
    graph = create_agent(model(), [shop.cancel])
    talk = begin(graph, InTurn(call("cancel", number=7), said))
    await talk.say("Cancel order 7")
    reply = await talk.decide()
    assert shop.ran == [(7, "none")]
    assert (said in reply.answer, reply.degraded_because) == (not degraded, degraded)


async def test_what_a_writer_makes_of_several_answers(settings: Settings) -> None:
    plan = Plans(verdict="work", tasks=PLAN["tasks"])
    state = await turn(settings, plan, QUESTION, writer="mars has 2 lovely moons. everest is 8849 m high.")
    assert state["answer"] == "mars has 2 moons.\n\neverest is 8849 m high."
    assert state["degraded"] == ["ungrounded"]
