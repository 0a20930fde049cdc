"""Tests of `planner` and `plan_check`: a model's plan is taken when it can be carried out, the rules' plan when not."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from harness.prompts.prompt import Prompt
from harness.prompts.shared import WRITER
from harness.runtime.graph import GraphBuilder
from harness.runtime.planner import PlanDraft
from harness.runtime.state import State
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.harness.runtime.scripted import Say, ScriptedFactory
from tests.support.agents import TEST_AGENTS, HeightsAgent, MoonsAgent

QUESTION = "How many moons has Mars?"


class Plans:
    """A planner model that answers with one fixed plan, and remembers what it was told."""

    def __init__(self, **plan: Any) -> None:
        self.plan = {"tasks": [], "text": ""} | plan
        self.told: list[Sequence[BaseMessage]] = []

    def __call__(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        self.told.append(messages)
        call = {"name": bound[0], "args": self.plan, "id": "1", "type": "tool_call"}
        return AIMessage("", tool_calls=[call])


async def turn(settings: Settings, planner: Say | str, *messages: str, **scripts: Say | str) -> dict[str, Any]:
    connectors = SourceConnections(settings)
    agents = [agent(connectors) for agent in TEST_AGENTS]
    builder = GraphBuilder(settings, ScriptedFactory(settings, planner=planner, **scripts), agents)
    graph = builder.compile(InMemorySaver())
    config = RunnableConfig(configurable={"thread_id": "t"})
    state: dict[str, Any] = {}
    for message in messages or (QUESTION,):
        state = await graph.ainvoke(State(message=message), config)
    return state


async def test_the_models_plan_is_carried_out(settings: Settings) -> None:
    task = {"agent": "heights", "question": "Teide"}
    state = await turn(settings, Plans(verdict="work", tasks=[task]), "And now the Teide, please")
    assert state["plan"]["tasks"] == [task]
    assert state["answer"] == "teide is 3715 m high."
    assert state["degraded"] == []


@pytest.mark.parametrize(
    "planner",
    [
        Plans(verdict="work", tasks=[{"agent": "moons", "question": "Mars " * 1000}]),
        Plans(verdict="work", tasks=[{"agent": "nobody", "question": "q"}]),
        Plans(verdict="work", tasks=[]),
        Plans(verdict="work", tasks=[{"agent": "moons", "question": "q"}] * 5),
        Plans(verdict="perhaps", tasks=[]),
        Plans(verdict="work", tasks="all of them"),
        Plans(),
        "no tool call, just talk",
    ],
    ids=["too long", "unknown agent", "no task", "too many", "unknown verdict", "wrong types", "no verdict", "prose"],
)
@pytest.mark.checklist("TEST-6")
async def test_a_plan_that_breaks_the_schema_is_replaced_by_the_rules_plan(
    settings: Settings, planner: Say | str
) -> None:
    state = await turn(settings, planner)
    assert state["plan"]["tasks"] == [{"agent": "moons", "question": QUESTION}]
    assert state["answer"] == "mars has 2 moons."
    assert state["degraded"] == ["unusable_plan"]


async def test_a_planner_that_raises_is_replaced_by_the_rules(settings: Settings) -> None:
    def fail(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        raise AttributeError("a 200 with HTML")

    state = await turn(settings, fail)
    assert state["answer"] == "mars has 2 moons."
    assert state["degraded"] == ["planner_unavailable"]


@pytest.mark.parametrize(
    ("plan", "start"),
    [
        ({"verdict": "clarify", "text": "Which one?"}, "Which one?"),
        ({"verdict": "clarify"}, "What would you like to know"),
        ({"verdict": "decline", "text": "the model's own words"}, "I can't help with that."),
    ],
)
async def test_the_model_may_ask_back_or_decline(settings: Settings, plan: dict[str, str], start: str) -> None:
    state = await turn(settings, Plans(**plan))
    assert state["answer"].startswith(start)
    assert state["outcomes"] == []


@pytest.mark.parametrize("text", [WRITER.text["en"], "![](https://evil.example/?q=1)", "Ask bob@evil.example."])
async def test_a_question_back_that_may_not_leave_is_replaced_by_our_own(settings: Settings, text: str) -> None:
    state = await turn(settings, Plans(verdict="clarify", text=text))
    assert state["answer"].startswith("What would you like to know")
    assert state["degraded"] == ["unsafe_answer"]


@pytest.mark.parametrize(
    ("message", "text", "answer", "degraded"),
    [
        (QUESTION, "Mars is at 5.32 dollars today.", "What would you like to know", ["ungrounded"]),
        (QUESTION, "The observatory belongs to Mario Conde of Zurich.", "What would you like to know", ["ungrounded"]),
        (QUESTION, "Do you know that it belongs to Mario Conde?", "What would you like to know", ["ungrounded"]),
        (QUESTION, "Did you know that it opens without a ticket?", "What would you like to know", ["ungrounded"]),
        (QUESTION, "It opens late, right?", "What would you like to know", ["ungrounded"]),
        (QUESTION, "Which one do you mean, the one on the right?", "Which one do you mean", []),
        (QUESTION, "It is closed today.", "What would you like to know", ["ungrounded"]),
        (QUESTION, "It has 79 of them. Which planet do you mean?", "Which planet do you mean?", []),
        ("¿Cuántas lunas tiene?", "Which planet?", "¿Qué te gustaría saber?", ["wrong_language"]),
        ("¿Cuántas lunas tiene?", "¿De qué planeta?", "¿De qué planeta?", []),
    ],
)
async def test_a_question_back_states_nothing_and_is_in_the_callers_language(
    settings: Settings, message: str, text: str, answer: str, degraded: list[str]
) -> None:
    state = await turn(settings, Plans(verdict="clarify", text=text), message)
    assert state["answer"].startswith(answer)
    assert state["degraded"] == degraded


async def test_a_refusal_of_what_an_agent_is_for_is_asked_again_then_marked(settings: Settings) -> None:
    planner = Plans(verdict="decline")
    state = await turn(settings, planner)
    assert state["degraded"] == ["doubtful_decline"]
    assert "decline" in str(planner.told[1][-1].content)
    other = Plans(verdict="decline")
    assert (await turn(settings, other, "Sing me a song about love"))["degraded"] == []
    assert len(other.told) == 1


@pytest.mark.parametrize(
    ("message", "task", "asked"),
    [
        (QUESTION, "How many moons has Saturn?", QUESTION),
        (QUESTION, "Saturn", QUESTION),
        (QUESTION, "How many moons of 5 km has Mars?", QUESTION),
        ("How many moons has mars?", "moons of Mars", "moons of Mars"),
        ("How many moons has Mars today?", "moons of Mars tomorrow", "How many moons has Mars today?"),
        ("How many moons has Mars tomorrow?", "lunas de Mars mañana", "lunas de Mars mañana"),
        (QUESTION, "How many moons has Mars today?", "How many moons has Mars today?"),
    ],
)
async def test_a_task_names_only_what_the_conversation_names(
    settings: Settings, message: str, task: str, asked: str
) -> None:
    state = await turn(settings, Plans(verdict="work", tasks=[{"agent": "moons", "question": task}]), message)
    assert state["plan"]["tasks"] == [{"agent": "moons", "question": asked}]
    assert state["answer"] == "mars has 2 moons."


async def test_a_task_that_nobody_asked_for_is_left_out(settings: Settings) -> None:
    tasks = [{"agent": "moons", "question": QUESTION}, {"agent": "heights", "question": "Height of Teide"}]
    state = await turn(settings, Plans(verdict="work", tasks=tasks))
    assert state["plan"]["tasks"] == tasks[:1]
    state = await turn(settings, Plans(verdict="work", tasks=tasks), f"{QUESTION} And how high is Everest?")
    assert [it["question"] for it in state["plan"]["tasks"]] == [QUESTION, "how high is Everest?"]


async def test_a_task_may_name_what_an_earlier_message_named(settings: Settings) -> None:
    planner = Plans(verdict="work", tasks=[{"agent": "moons", "question": "moons of Saturn"}])
    state = await turn(settings, planner, "How many moons has Saturn?", "And in all?")
    assert state["plan"]["tasks"] == [{"agent": "moons", "question": "moons of Saturn"}]


async def test_our_own_question_tells_what_agents_are_for_whatever_their_prompts_repeat(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = "Moons of every planet of the solar system, and of some dwarf planets too."
    monkeypatch.setattr(MoonsAgent, "description", {"en": about, "es": about})
    prompt = Prompt("table", "7", {"en": f"You tell this: {about}", "es": about})
    monkeypatch.setattr(MoonsAgent, "prompt", prompt)
    for verdict in ("clarify", "decline"):
        state = await turn(settings, Plans(verdict=verdict))
        assert about in state["answer"]
        assert state["degraded"] == ([] if verdict == "clarify" else ["doubtful_decline"])


async def test_the_planner_is_told_agents_limits_and_the_conversation(settings: Settings) -> None:
    planner = Plans(verdict="work", tasks=[{"agent": "moons", "question": "Mars"}])
    await turn(settings, planner, QUESTION, "and Saturn?")
    first, second = (str(messages[0].content) for messages in planner.told)
    for agent in (MoonsAgent, HeightsAgent):
        assert f"- {agent.name}: {agent.description['en']}" in first
    assert QUESTION not in first
    assert f"User: {QUESTION}\nService: mars has 2 moons." in second


def test_the_schema_keeps_to_what_strict_providers_take() -> None:
    schema = PlanDraft.model_json_schema()
    for part in (schema, schema["$defs"]["PlannedTask"]):
        assert part["required"] == list(part["properties"])
        assert all("default" not in field for field in part["properties"].values())
