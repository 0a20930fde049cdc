"""Tests of `writer` and `threads`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from harness.errors import InputRefused, RunUnknown, ThreadUnknown
from harness.models.factory import LLMFactory
from harness.run_context import RunContext
from harness.runtime.answer_stream import AnswerStream
from harness.runtime.graph import GraphBuilder
from harness.runtime.state import Turn
from harness.runtime.threads import History, Ratings, Threads
from harness.service import Service
from harness.settings import Settings
from harness.sources.resources import SourceConnections
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from harness.telemetry.langsmith import LangSmith
from harness.telemetry.redaction import Redactor
from tests.harness.runtime.scripted import Say, ScriptedFactory
from tests.support.agents import TEST_AGENTS


@pytest.mark.checklist("OBS-6")
async def test_the_run_id_of_a_reply_is_what_is_rated(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    ratings = Ratings(settings, store, Redactor([settings]), LangSmith())
    first, reply = [await service.ask(it, ThreadRef("t", PUBLIC)) for it in ("Mars", "Saturn")]
    for run_id in (first.run_id, reply.run_id):
        await ratings.give(PUBLIC, run_id, "up", None)
    assert len([it async for it in store.feedback_since(0)]) == 2

    with pytest.raises(RunUnknown):
        await ratings.give("a" * 32, reply.run_id, "up", None)
    with pytest.raises(InputRefused):
        await ratings.give(PUBLIC, reply.run_id, "up", "a" * 1001)

    await ratings.give(PUBLIC, reply.run_id, "down", "It asked for card 4111 1111 1111 1111.")
    comments = [it.comment async for it in store.feedback_since(0) if it.run_id == reply.run_id]
    assert comments == ["It asked for card [card]."]
    await service.aclose()


# Several answers become one; what the writer gets wrong never leaves.

QUESTION = "How many moons has Mars and how high is Everest?"
OWN_WORDS = "mars has 2 moons.\n\neverest is 8849 m high."


async def told(settings: Settings, writer: Say | str) -> tuple[dict[str, Any], str]:
    connectors = SourceConnections(settings)
    agents = [agent(connectors) for agent in TEST_AGENTS]
    builder = GraphBuilder(settings, ScriptedFactory(settings, writer=writer), agents)
    tokens, state = "", {}
    with RunContext.scope(stream=AnswerStream()):
        events: AsyncIterator[Any] = builder.compile(None).astream(
            {"message": QUESTION}, stream_mode=["custom", "values"]
        )
        async for mode, part in events:
            if mode == "values":
                state = part
            elif part["event"] == "token":
                tokens += part["data"]["text"]
            elif part["event"] == "withdrawn":
                tokens += " [withdrawn] "
    return state, tokens


async def test_the_writer_joins_the_answers_and_its_sentences_are_streamed(settings: Settings) -> None:
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
    assert "9999" not in tokens
    assert tokens.startswith("Mars has 2. ")
    assert tokens.endswith(f" [withdrawn] {OWN_WORDS}")
    assert state["answer"] == OWN_WORDS
    assert state["degraded"] == ["ungrounded"]


@pytest.mark.parametrize("writer", ["  ", lambda messages, bound: 1 / 0], ids=["empty", "raises"])
async def test_without_a_writer_the_agents_own_words_are_the_answer(settings: Settings, writer: Say | str) -> None:
    state, _ = await told(settings, writer)
    assert state["answer"] == OWN_WORDS
    assert state["degraded"] == ["writer_unavailable"]


T = ThreadRef("t", PUBLIC)


async def test_a_thread_is_told_as_far_as_it_is_remembered(settings: Settings) -> None:
    settings = settings.model_copy(update={"history_turns": 1})
    store = MemoryStore()
    service = Service(settings, TEST_AGENTS, store)
    await service.ask("Moons of Mars", T)
    await service.ask("Moons of Saturn", T)
    thread = await Threads(settings, store).read(T)
    assert [message.text for message in thread.messages] == ["Moons of Saturn", "saturn has 146 moons."]
    await service.aclose()


async def test_an_unknown_thread_is_neither_read_nor_deleted(settings: Settings) -> None:
    threads = Threads(settings, MemoryStore())
    with pytest.raises(ThreadUnknown):
        await threads.read(T)
    with pytest.raises(ThreadUnknown):
        await threads.delete(T)


def exchange(at: int, chars: int = 100) -> Turn:
    question = f"question {at}"
    answer = "a" * (chars - len(question))
    return Turn(question=question, language="en", answer=answer, agents=["a"], asked=False)


def questions(exchanges: list[Turn]) -> list[str]:
    return [it["question"].removeprefix("question ") for it in exchanges]


@pytest.mark.parametrize(("turns", "kept"), [(0, ""), (1, "3"), (3, "123"), (4, "0123"), (9, "0123")])
def test_the_newest_turns_are_kept(turns: int, kept: str) -> None:
    all_of_them = [exchange(at) for at in range(4)]
    assert questions(History(turns, 10_000).trimmed(all_of_them)) == list(kept)


@pytest.mark.parametrize(("max_tokens", "kept"), [(74, "23"), (75, "123"), (76, "123"), (99, "123"), (100, "0123")])
def test_the_oldest_leave_when_they_are_too_much_to_read(max_tokens: int, kept: str) -> None:
    all_of_them = [exchange(at, chars=100) for at in range(4)]  # 25 tokens each
    assert questions(History(9, max_tokens).trimmed(all_of_them)) == list(kept)


def test_the_last_exchange_stays_whatever_its_size() -> None:
    assert questions(History(9, 0).trimmed([exchange(0), exchange(1)])) == ["1"]


def test_what_a_model_reads_stays_flat_over_two_hundred_turns() -> None:
    history = History(max_turns=50, max_tokens=500)
    kept: list[Turn] = []
    sizes = []
    for at in range(200):
        kept = history.trimmed([*kept, exchange(at, chars=200)])
        sizes.append(len(History.transcript(kept)))
    assert max(sizes) <= 500 * History.CHARS_PER_TOKEN + 50 * len("User: \nService: \n")
    assert max(sizes) - sizes[20] < 50


def test_a_new_thread_has_nothing_to_tell() -> None:
    assert History.transcript([]) == "-"


@pytest.mark.parametrize("count", [1, 3, 4, 5, 6])
def test_a_thread_that_is_not_full_yet_keeps_all_of_it(count: int) -> None:
    """Earned by a slice from a negative index: the fourth of six turns made two forgotten."""
    turns = [exchange(number) for number in range(count)]
    assert History(max_turns=6, max_tokens=1000).trimmed(turns) == turns


def test_the_graph_says_what_it_takes(settings: Settings) -> None:
    graph = GraphBuilder(settings, LLMFactory(settings), []).compile(None)
    assert {*graph.get_input_jsonschema()["properties"]} == {"message", "messages"}


async def test_the_last_message_of_a_chat_client_is_the_message_and_the_last_node_has_the_reply(
    settings: Settings,
) -> None:
    connectors = SourceConnections(settings)
    agents = [agent(connectors) for agent in TEST_AGENTS]
    graph = GraphBuilder(settings, LLMFactory(settings), agents).compile(None)
    talk: Any = [HumanMessage("How high is Everest?"), AIMessage("8849 m"), HumanMessage("Moons of Mars")]
    state = await graph.ainvoke({"messages": talk})
    assert state["reply"].answer == "mars has 2 moons."
    assert state["question"] == "Moons of Mars"
