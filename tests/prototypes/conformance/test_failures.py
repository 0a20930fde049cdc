"""Models and tools that fail or hang: the answer comes, in time, and says what it is."""

import asyncio

import pytest

from tests.prototypes.conftest import CALM_SECONDS, DEADLINE_SECONDS, Served
from tests.prototypes.scripts import Case
from tests.support.peers.openai_replies import Failure, Hang

OVER_SECONDS = 1.0
"""How far beyond the deadline an answer may come."""

MODEL_REASONS = {"model_unavailable", "writer_unavailable", "planner_unavailable"}


@pytest.mark.parametrize("path", ["ask", "stream"])
async def test_a_fallback_model_answers_as_if_nothing_had_happened(served: Served, case: Case, path: str) -> None:
    served.model.breaks(Failure(500))
    await served.start(llm_fallback_models="openai:scripted-second")
    reply = await getattr(served, path)(case.question)
    reply = reply if path == "ask" else reply[-1][1]
    assert (reply["answer"], reply["degraded_because"]) == (case.answer, [])
    assert served.models().count("scripted-second") == case.model_calls
    assert "scripted-first" in served.models()


async def test_with_every_model_down_it_says_so_and_is_marked(served: Served, case: Case) -> None:
    for model in ("scripted-first", "scripted-second"):
        served.model.breaks(Failure(503), model)
    await served.start(llm_fallback_models="openai:scripted-second")
    whole = await served.ask(case.question)
    _, streamed, _ = (await served.stream(case.question, "t2"))[-1]
    for reply in (whole, streamed):
        assert MODEL_REASONS & set(reply["degraded_because"])
        assert reply["answer"].strip()
        assert case.answer not in reply["answer"]
        assert [it["status"] for it in reply["agents"]] == ["missing"]
    assert served.spies.ran == []


async def test_a_model_that_comes_back_answers_in_the_same_conversation(served: Served, case: Case) -> None:
    await served.start(llm_breaker_failures=100)
    served.model.breaks(Failure(503))
    await served.ask(case.question)
    served.model.heal()
    reply = await served.ask(case.question)
    assert (reply["answer"], reply["degraded_because"]) == (case.answer, [])


async def test_a_model_that_breaks_in_the_middle_of_the_work_leaves_the_next_turn_whole(
    served: Served, case: Case
) -> None:
    if case.model_calls == 1:
        pytest.skip("it asks one model once")
    await served.start(llm_breaker_failures=100)
    served.model.breaks_after(Failure(503), case.model_calls - 1)
    broken = await served.ask(case.question)
    assert broken["degraded"]
    assert broken["answer"].strip()
    served.model.heal()
    reply = await served.ask(case.question)
    assert (reply["answer"], reply["degraded_because"]) == (case.answer, [])


async def test_a_tool_that_blocks_its_thread_does_not_hold_the_answer_back(served: Served, case: Case) -> None:
    if not case.reads:
        pytest.skip("it has no tools")
    await served.start(request_timeout_seconds=DEADLINE_SECONDS)
    await served.ask(case.follow_up, "t2")
    served.spies.hang(case.reads, CALM_SECONDS)
    reply = await served.ask(case.question)
    assert reply["degraded"]
    assert "out_of_time" in reply["degraded_because"]
    assert served.took_seconds < DEADLINE_SECONDS + OVER_SECONDS
    assert (await served.client.get("/healthz")).status_code == 200


async def test_a_model_that_hangs_does_not_hold_the_answer_back(served: Served, case: Case) -> None:
    await served.start(request_timeout_seconds=DEADLINE_SECONDS)
    await served.ask(case.question, "t2")
    served.model.breaks(Hang())
    reply = await served.ask(case.question)
    assert reply["degraded"]
    assert served.took_seconds < DEADLINE_SECONDS + OVER_SECONDS


async def test_while_a_tool_blocks_others_are_answered(served: Served, case: Case) -> None:
    """It blocks a thread, never the loop that everybody is served by."""
    if not case.reads:
        pytest.skip("it has no tools")
    await served.start(request_timeout_seconds=DEADLINE_SECONDS)
    await served.ask(case.question, "t2")
    served.spies.hang(case.reads, CALM_SECONDS)
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    served.spies.seen = lambda: loop.call_soon_threadsafe(begun.set)
    hanging = asyncio.create_task(served.ask(case.question))
    await asyncio.wait_for(begun.wait(), DEADLINE_SECONDS)
    healthy = await asyncio.wait_for(served.client.get("/healthz"), DEADLINE_SECONDS / 2)
    assert healthy.status_code == 200
    assert not hanging.done()
    assert (await hanging)["degraded"]
