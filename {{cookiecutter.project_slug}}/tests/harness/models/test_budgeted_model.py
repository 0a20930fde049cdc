"""The bounds of an agent's loop hold exactly, and cost no step of their own."""

import asyncio
from collections.abc import Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from harness.errors import BudgetExceeded, PolicyViolation
from harness.limits.budget import Budget, RunLimits
from harness.models.budgeted_model import BudgetedModel
from harness.models.factory import LLMFactory
from harness.runtime.agent_runner import AgentRunner
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.harness.runtime.scripted import NO_LEAKS, Say, ScriptedFactory
from tests.support.agents import MoonsAgent

QUESTION = "How many moons has Mars?"


class Looping:
    """A model that never stops calling its tool, `at_once` times in each answer."""

    def __init__(self, at_once: int = 1) -> None:
        self.at_once = at_once
        self.asked = 0
        self.refused = 0

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.asked += 1
        results = [message for message in messages if isinstance(message, ToolMessage)]
        self.refused = sum(message.status == "error" for message in results)
        call = {"name": "look_up", "args": {"name": "mars"}, "type": "tool_call"}
        return AIMessage("", tool_calls=[{**call, "id": str(at)} for at in range(self.at_once)])


def model(settings: Settings, say: Say, **changes: int) -> AgentRunner:
    settings = settings.model_copy(update=changes)
    agent = MoonsAgent(SourceConnections(settings))
    return AgentRunner(agent, settings, ScriptedFactory(settings, agent=say), NO_LEAKS)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_looping_model_is_called_exactly_as_often_as_allowed(
    settings: Settings, limit: int
) -> None:
    looping = Looping()
    with pytest.raises(BudgetExceeded):
        await model(settings, looping, agent_max_model_calls=limit).answer(QUESTION, "en")
    assert looping.asked == limit


async def test_tool_calls_are_counted_one_by_one_also_when_they_come_at_once(
    settings: Settings,
) -> None:
    looping = Looping(at_once=3)
    bounded = model(settings, looping, agent_max_model_calls=3, agent_max_tool_calls=5)
    with pytest.raises(BudgetExceeded):
        await bounded.answer(QUESTION, "en")
    assert looping.asked == 3
    assert looping.refused == 1


@pytest.mark.parametrize(("at_once", "asked"), [(4, 2), (5, 2), (6, 1), (500, 1)])
async def test_more_tools_at_once_than_allowed_in_all_end_the_agent(
    settings: Settings, at_once: int, asked: int
) -> None:
    looping = Looping(at_once)
    bounded = model(settings, looping, agent_max_model_calls=2, agent_max_tool_calls=5)
    with pytest.raises(BudgetExceeded):
        await bounded.answer(QUESTION, "en")
    assert looping.asked == asked


async def test_agents_side_by_side_are_held_to_the_run(settings: Settings) -> None:
    loops = [Looping(), Looping(), Looping()]
    with Budget.scope(RunLimits("RUN", model_calls=7, tool_calls=100)):
        runs = [model(settings, it, agent_max_model_calls=5).answer(QUESTION, "en") for it in loops]
        failures = await asyncio.gather(*runs, return_exceptions=True)
    assert all(isinstance(failure, BudgetExceeded) for failure in failures)
    assert sum(it.asked for it in loops) == 7


async def test_the_bounds_are_no_nodes_of_the_loop(settings: Settings) -> None:
    nodes = set(model(settings, Looping())._loop.get_graph().nodes)
    assert nodes == {"__start__", "model", "tools", "__end__"}


async def test_tools_are_bound_once_and_not_for_every_run(settings: Settings) -> None:
    agent = MoonsAgent(SourceConnections(settings))
    bound = AgentRunner(agent, settings, LLMFactory(settings), NO_LEAKS)
    answers = [await bound.answer(QUESTION, "en") for _ in range(2)]
    assert [answer.text for answer in answers] == ["mars has 2 moons."] * 2
    model = BudgetedModel(model=None, caps=RunLimits("AGENT", 1, 1))
    assert model.bind_tools([]) is model


def test_it_is_asked_with_await_only() -> None:
    with pytest.raises(NotImplementedError):
        BudgetedModel(model=None, caps=RunLimits("AGENT", 1, 1)).invoke("hi")


class Inventive:
    """A model that calls what is no tool of its, once, and then talks."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.told = [message.text for message in messages if isinstance(message, ToolMessage)]
        if self.told:
            return AIMessage("Done.")
        call = {"name": "open_door", "args": {"self": "x"}, "id": "1", "type": "tool_call"}
        return AIMessage("", tool_calls=[call])


async def test_a_name_that_is_no_tool_is_refused_as_one_that_may_not_run(
    settings: Settings,
) -> None:
    inventive = Inventive()
    with pytest.raises(PolicyViolation):
        await model(settings, inventive).answer(QUESTION, "en")
    assert inventive.told == ["The service may not reach this resource."]
