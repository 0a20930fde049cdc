"""One message in, one reply out: the whole graph over real threads, with the embedded model."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.errors import GraphRecursionError

from harness.errors import InputRefused
from harness.runtime.replies import Event, Reply
from harness.runtime.writer import OutputGuardNode
from harness.service import Service
from harness.settings import Settings
from harness.storage.sqlite import SqliteStore
from harness.storage.store import MemoryStore
from harness.storage.thread_ref import PUBLIC, ThreadRef
from tests.support.agents import TEST_AGENTS

T = ThreadRef("t", PUBLIC)

TWO_TASKS = "How many moons has Mars and how high is Everest?"


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    service = Service(settings, TEST_AGENTS, MemoryStore())
    yield service
    await service.aclose()


@pytest.mark.parametrize("is_disabled", [False, True], ids=["embedded", "no model"])
@pytest.mark.parametrize(
    ("message", "language", "answer"),
    [
        (TWO_TASKS, "en", "mars has 2 moons.\n\neverest is 8849 m high."),
        ("¿Cuántas lunas tiene Marte y cuánto mide el Teide?", "es", "marte tiene 2 lunas.\n\nteide mide 3715 m."),
    ],
)
@pytest.mark.checklist("COG-1", "COG-3")
async def test_two_tasks_in_one_message_are_answered_by_two_agents_in_its_language(
    settings: Settings, message: str, language: str, answer: str, is_disabled: bool
) -> None:
    service = Service(settings.model_copy(update={"disable_llm": is_disabled}), TEST_AGENTS, MemoryStore())
    reply = await service.ask(message, T)
    assert reply.answer == answer
    assert reply.language == language
    assert [agent.name for agent in reply.agents] == ["moons", "heights"]
    assert [source.title for source in reply.sources] == ["Table of moons", "Table of heights"]
    assert reply.degraded_because == (["llm_disabled"] if is_disabled else [])
    await service.aclose()


@pytest.mark.checklist("COG-1")
async def test_the_agents_of_one_message_work_side_by_side(service: Service) -> None:
    gate = asyncio.Barrier(2)
    for agent in service.agents[:2]:
        original = agent.toolset[0].coroutine  # type: ignore[attr-defined] # a StructuredTool

        async def meet(*, original: Any = original, **arguments: Any) -> Any:
            await gate.wait()  # opens only when both agents are inside their tool
            return await original(**arguments)

        agent.toolset[0].coroutine = meet
    reply = await asyncio.wait_for(service.ask(TWO_TASKS, T), timeout=5)
    assert [agent.status for agent in reply.agents] == ["answered", "answered"]


@pytest.mark.checklist("COG-1")
async def test_a_missing_detail_is_asked_for_and_completes_the_question(service: Service) -> None:
    first = await service.ask("How many moons?", T)
    assert first.answer == "Which planet?"
    assert [agent.status for agent in first.agents] == ["asked"]
    second = await service.ask("Saturn", T)
    assert second.answer == "saturn has 146 moons."


async def test_a_thread_remembers_and_another_thread_does_not(service: Service) -> None:
    await service.ask("How many moons has Mars?", ThreadRef("one", PUBLIC))
    assert (await service.ask("and Saturn?", ThreadRef("one", PUBLIC))).answer == "saturn has 146 moons."
    assert (await service.ask("and Saturn?", ThreadRef("two", PUBLIC))).agents == []


async def test_a_follow_up_is_completed_by_the_question_before(service: Service) -> None:
    await service.ask("How many moons has Mars?", T)
    reply = await service.ask("And how many moons exactly?", T)
    assert reply.answer == "mars has 2 moons."
    assert reply.agents[0].question == "And how many moons exactly?"
    assert (await service.ask("And how high is it?", T)).answer == "Which mountain?"


async def test_a_thread_outlives_the_process(settings: Settings, tmp_path: Path) -> None:
    for message, answer in [("moons of Mars", "mars has 2"), ("and Saturn?", "saturn has 146")]:
        async with SqliteStore(tmp_path / "threads.sqlite", timeout_seconds=5) as store:
            service = Service(settings, TEST_AGENTS, store)
            assert (await service.ask(message, T)).answer.startswith(answer)
            await service.aclose()


async def test_a_thread_keeps_only_the_configured_turns(settings: Settings) -> None:
    store = MemoryStore()
    service = Service(settings.model_copy(update={"history_turns": 2}), TEST_AGENTS, store)
    for _ in range(4):
        await service.ask("moons of Mars", T)
    checkpoint = await store.saver.aget({"configurable": {"thread_id": "t"}})
    assert checkpoint is not None
    assert len(checkpoint["channel_values"]["history"]) == 2
    await service.aclose()


async def test_a_source_that_is_down_is_named_and_the_rest_is_answered(service: Service) -> None:
    reply = await service.ask("Moons of Mars and the tide in Vigo?", T)
    assert reply.answer.startswith("mars has 2 moons.\n\nI have no answer for this part")
    assert "the tide in Vigo?" in reply.answer
    assert [agent.status for agent in reply.agents] == ["answered", "missing"]
    assert reply.degraded_because == ["source_unavailable"]


async def test_a_bug_in_one_agent_costs_its_part_only_and_shows_nothing(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = await service.ask("Moons of Mars and stars", T)
    assert reply.answer.startswith("mars has 2 moons.")
    assert reply.degraded_because == ["agent_failed", "model_unavailable"]
    assert "hunter2" not in reply.model_dump_json()


async def test_an_empty_message_is_refused_before_anything_is_kept(service: Service) -> None:
    with pytest.raises(InputRefused) as refusal:
        await service.ask(" \u200b ", T)
    assert refusal.value.detail.startswith("message: ")


async def test_the_reply_says_that_model_and_data_are_not_real(service: Service) -> None:
    reply = await service.ask("¿Cuántas lunas tiene Marte?", T)
    assert any("modelo integrado" in notice for notice in reply.notices)
    assert any("de muestra" in notice for notice in reply.notices)


async def test_the_embedded_model_counts_as_a_model(service: Service) -> None:
    usage = (await service.ask(TWO_TASKS, T)).usage
    assert usage.model_calls == 6  # plan, two for each agent, write
    assert usage.input_tokens > usage.output_tokens > 0


async def events_of(service: Service, message: str) -> list[Event]:
    return [event async for event in service.stream(message, T)]


async def test_a_stream_tells_the_plan_the_agents_the_tokens_and_the_reply(service: Service) -> None:
    events = await events_of(service, TWO_TASKS)
    names = [event["event"] for event in events]
    assert names[:2] == ["started", "plan"]
    assert names.count("agent_started") == names.count("agent_finished") == 2
    assert names.index("token") > names.index("agent_finished")
    assert names[-1] == "final"
    reply = Reply.model_validate(events[-1]["data"])
    tokens = [event["data"]["text"] for event in events if event["event"] == "token"]
    assert len(tokens) > 1
    assert "".join(tokens).strip() == reply.answer


@pytest.mark.parametrize("message", ["How many moons has Mars?", "Paris?", "tide in Vigo"])
async def test_an_answer_without_a_writer_is_streamed_too(service: Service, message: str) -> None:
    events = await events_of(service, message)
    tokens = "".join(event["data"]["text"] for event in events if event["event"] == "token")
    assert tokens == events[-1]["data"]["answer"] != ""


async def test_a_refused_message_raises_before_any_event(service: Service) -> None:
    with pytest.raises(InputRefused):
        await events_of(service, "")
    assert (await service.ask("moons of Mars", T)).answer == "mars has 2 moons."


async def test_a_caller_who_leaves_cancels_the_run(service: Service) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(**_: Any) -> Any:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    service.agents[0].toolset[0].coroutine = hang
    run = asyncio.create_task(events_of(service, "moons of Mars"))
    await asyncio.wait_for(entered.wait(), timeout=5)
    run.cancel()
    await asyncio.wait_for(cancelled.wait(), timeout=5)
    assert cancelled.is_set()


@pytest.mark.parametrize(
    ("message", "answer"),
    [("Moons of Mars", "I can't answer right now."), ("Lunas de Marte", "Ahora no puedo responder.")],
)
@pytest.mark.checklist("TEST-3", "OBS-4")
async def test_a_step_of_ours_that_never_ends_is_answered_for_at_the_deadline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, message: str, answer: str
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(OutputGuardNode, "__call__", hang)
    settings = settings.model_copy(update={"request_timeout_seconds": 0.2})
    service = Service(settings, TEST_AGENTS, MemoryStore())
    reply = await asyncio.wait_for(service.ask(message, T), timeout=5)
    events = await asyncio.wait_for(events_of(service, message), timeout=5)
    assert reply.answer.startswith(answer)
    assert reply.degraded_because == ["not_saved", "out_of_time"]
    assert events[-1]["event"] == "final"
    assert events[-1]["data"]["answer"] == reply.answer
    await service.aclose()


async def test_a_graph_that_goes_on_and_on_ends_after_its_steps(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "MAX_STEPS", 2)
    with pytest.raises(GraphRecursionError, match="Recursion limit of 2"):
        await service.ask("How many moons has Mars?", T)
