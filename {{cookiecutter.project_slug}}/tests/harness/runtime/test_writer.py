"""Several answers become one; what the writer gets wrong never leaves."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from harness.runtime.graph import GraphBuilder
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from tests.harness.runtime.scripted import Say, ScriptedFactory
from tests.support.agents import TEST_AGENTS

QUESTION = "How many moons has Mars and how high is Everest?"
OWN_WORDS = "mars has 2 moons.\n\neverest is 8849 m high."


async def told(settings: Settings, writer: Say | str) -> tuple[dict[str, Any], str]:
    connectors = SourceConnections(settings)
    agents = [agent(connectors) for agent in TEST_AGENTS]
    builder = GraphBuilder(settings, ScriptedFactory(settings, writer=writer), agents)
    tokens, state = "", {}
    events: AsyncIterator[Any] = builder.compile(None).astream(
        {"message": QUESTION}, stream_mode=["custom", "values"]
    )
    async for mode, part in events:
        if mode == "values":
            state = part
        elif part["event"] == "token":
            tokens += part["data"]["text"]
    return state, tokens


async def test_the_writer_joins_the_answers_and_its_sentences_are_streamed(
    settings: Settings,
) -> None:
    state, tokens = await told(settings, "Mars has 2. Everest: 8849 m.")
    assert state["answer"] == tokens == "Mars has 2. Everest: 8849 m."
    assert state["degraded"] == []


async def test_the_writer_reads_the_question_and_each_agents_answer(settings: Settings) -> None:
    seen: list[Sequence[BaseMessage]] = []

    def say(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
        seen.append(messages)
        return AIMessage("Done.")

    await told(settings, say)
    [(system, *rest)] = seen
    assert "in English" in str(system.content)
    assert [(m.name, m.content) for m in rest] == [
        (None, QUESTION),
        ("moons", "mars has 2 moons."),
        ("heights", "everest is 8849 m high."),
    ]


async def test_an_invented_figure_is_neither_streamed_nor_answered(settings: Settings) -> None:
    state, tokens = await told(settings, "Mars has 2. Everest: 9999 m. Bye.")
    assert tokens == "Mars has 2. "
    assert state["answer"] == OWN_WORDS
    assert state["degraded"] == ["ungrounded"]


@pytest.mark.parametrize("writer", ["  ", lambda messages, bound: 1 / 0], ids=["empty", "raises"])
async def test_without_a_writer_the_agents_own_words_are_the_answer(
    settings: Settings, writer: Say | str
) -> None:
    state, _ = await told(settings, writer)
    assert state["answer"] == OWN_WORDS
    assert state["degraded"] == ["writer_unavailable"]
