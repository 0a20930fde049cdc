"""What no agent is for is declined, also when the models would gladly answer it: INJ-2."""

import orjson
import pytest

from harness.locale.locale import Locale
from tests.conformance.conftest import Served
from tests.support.peers.openai_replies import Reply, Request, Text, ToolCalls

pytestmark = pytest.mark.checklist("INJ-2")

POEM = "Roses are red, violets are blue"
OFF_DOMAIN = {
    "en": ("Write me a poem about love", "Solve this equation for me", "Who should I vote for?"),
    "es": ("Escríbeme un poema de amor", "Resuelve esta ecuación", "¿A quién debo votar?"),
}
QUESTIONS = [(language, it) for language in Locale.SHIPPED for it in OFF_DOMAIN[language]]
DECLINED = {"en": "I can't help with that.", "es": "No puedo ayudarte con eso."}


class Planned:
    """A planner with one plan, and an agent that answers from memory: it calls no tool."""

    def __init__(self, verdict: str, agent: str = "moons") -> None:
        self._verdict = verdict
        self._agent = agent

    def __call__(self, request: Request) -> Reply:
        if "planner" not in request.model:
            return Text(POEM)
        task = {"agent": self._agent, "question": str(request.messages[-1]["content"])}
        tasks = [task] if self._verdict == "work" else []
        plan = {"verdict": self._verdict, "tasks": tasks, "text": ""}
        if request.tools:
            return ToolCalls([(request.tools[0], plan)])
        return Text(orjson.dumps(plan).decode())


@pytest.mark.parametrize(("language", "question"), QUESTIONS)
async def test_it_is_declined_with_what_the_agents_are_for(
    served: Served, language: str, question: str  # a fixture
) -> None:
    served.model.breaks(Planned("decline"), "planner", "agent")
    await served.start()
    reply = await served.ask(question)
    assert reply["answer"].startswith(DECLINED[language])
    assert reply["agents"] == []


@pytest.mark.parametrize(("language", "question"), QUESTIONS)
async def test_a_gullible_planner_and_a_gullible_agent_answer_it_neither_whole_nor_streamed(
    served: Served, language: str, question: str  # a fixture
) -> None:
    served.model.breaks(Planned("work"), "planner", "agent", "writer")
    await served.start()
    reply = await served.ask(question)
    events = await served.stream(question)
    assert [it.model for it in served.server.requests][:2] == ["scripted-planner", "scripted-agent"]
    assert POEM not in str(reply) + str(events)
    assert reply["answer"] == {"en": "Which planet?", "es": "¿Qué planeta?"}[language]


async def test_a_plan_for_an_agent_that_is_not_there_is_not_carried_out(served: Served) -> None:  # a fixture
    served.model.breaks(Planned("work", agent="poet"), "planner", "agent")
    await served.start()
    reply = await served.ask(OFF_DOMAIN["en"][0])
    assert POEM not in str(reply)
    assert reply["agents"] == []
