"""With the model down: a fallback model, a kept answer, the data alone, a fixed sentence."""

import pytest

from harness.settings import Settings
from tests.conformance.conftest import CALM_SECONDS, BreakableModel, Served
from tests.conftest import Door
from tests.support.agents import FlakyAgent, MoonsAgent
from tests.support.peers import openai_faults as faults
from tests.support.peers.openai_replies import Failure, Hang, Reply
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY, QUESTION, WRITTEN

ONE_PART = "How many moons has Mars?"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Failure(503), id="down"),
        pytest.param(faults.Html(), id="a page of HTML"),
        pytest.param(Hang(), id="hangs", marks=pytest.mark.slow),
    ],
)
@pytest.mark.checklist("OBS-4", "TEST-3", "TEST-4")
async def test_a_fallback_model_answers_as_if_nothing_had_happened(served: Served, fault: Reply) -> None:
    with OpenAIServer(BreakableModel()) as backup:
        served.model.breaks(fault)
        await served.start(
            llm_fallback_models="openai:scripted-agent",
            llm_planner_fallback_models="openai:scripted-planner",
            llm_writer_fallback_models="openai:scripted-writer",
            llm_fallback_base_url=backup.url,
            llm_fallback_api_key=KEY,
            llm_timeout_seconds=1.0,
            request_timeout_seconds=CALM_SECONDS,
            llm_max_retries=0,
        )
        reply = await served.ask(QUESTION)
        await served.door.close()
    assert reply["answer"] == WRITTEN
    assert not reply["degraded"]
    assert len(served.server.requests) > 0
    assert len(backup.requests) == 6


@pytest.mark.checklist("OBS-4")
async def test_a_broken_model_is_not_asked_for_ever(served: Served) -> None:
    served.model.breaks(Failure(503))
    await served.start(llm_breaker_failures=2, llm_max_retries=0)
    for _ in range(4):
        await served.ask(ONE_PART)
    assert len(served.asked("planner")) == 2
    readiness = (await served.client.get("/readyz")).json()
    states = {link["breaker"] for role in readiness["models"] for link in role["links"]}
    assert readiness["status"] == "ready"
    assert "open" in states


@pytest.mark.checklist("OBS-4")
async def test_an_answer_of_before_stands_in_and_tells_its_age(served: Served) -> None:
    await served.start()
    good = await served.ask(QUESTION)
    served.model.breaks(Failure(503))
    kept = await served.ask("  how many MOONS has mars and how high is everest ")
    assert kept["answer"] == "My tool says 2 for mars.\n\nMy tool says 8849 for everest."
    assert kept["sources"] == good["sources"]
    reasons = {"kept_answer", "model_unavailable", "planner_unavailable", "writer_unavailable"}
    assert set(kept["degraded_because"]) == reasons
    assert "No model answers right now: part of this was found out 1 min ago." in kept["notices"]
    assert not any("min ago" in notice for notice in good["notices"])


@pytest.mark.parametrize(
    ("other", "answer"),
    [("¿Cuántas lunas tiene Marte?", "marte tiene 2 lunas."), ("Moons of Saturn", "saturn has 146")],
    ids=["another language", "another question"],
)
async def test_an_answer_of_before_is_for_the_same_question_only(served: Served, other: str, answer: str) -> None:
    await served.start()
    await served.ask(ONE_PART)
    served.model.breaks(Failure(503))
    reply = await served.ask(other)
    assert reply["answer"].startswith(answer)
    assert "kept_answer" not in reply["degraded_because"]


async def test_a_lesser_answer_is_never_kept(served: Served) -> None:
    await served.start()
    served.model.breaks(Failure(503))
    await served.ask(ONE_PART)
    again = await served.ask(ONE_PART)
    assert again["answer"] == "mars has 2 moons."
    assert "kept_answer" not in again["degraded_because"]


async def test_no_answer_stands_in_where_that_is_switched_off(served: Served) -> None:
    await served.start(answer_cache_ttl_seconds=0)
    await served.ask(ONE_PART)
    served.model.breaks(Failure(503))
    reply = await served.ask(ONE_PART)
    assert reply["answer"] == "mars has 2 moons."


@pytest.mark.checklist("OBS-4")
async def test_without_a_kept_answer_the_data_alone_answer(served: Served) -> None:
    served.model.breaks(Failure(503))
    await served.start()
    reply = await served.ask(ONE_PART)
    assert reply["answer"] == "mars has 2 moons."
    assert reply["degraded_because"] == ["model_unavailable", "planner_unavailable"]
    assert [source["title"] for source in reply["sources"]] == ["Table of moons"]


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("Tides in Vigo", "I have no answer for this part right now"),
        ("Mareas en Vigo", "Ahora no tengo respuesta para esta parte"),
    ],
)
@pytest.mark.checklist("OBS-4")
async def test_without_data_a_fixed_sentence_says_so_in_the_users_language(
    served: Served, message: str, start: str
) -> None:
    served.model.breaks(Failure(503))
    await served.start(FlakyAgent, MoonsAgent)
    reply = await served.ask(message)
    assert reply["answer"].startswith(start)
    assert [agent["status"] for agent in reply["agents"]] == ["missing"]
    assert "source_unavailable" in reply["degraded_because"]


async def test_a_broken_model_is_no_reason_to_take_the_service_away(served: Served) -> None:
    served.model.breaks(Hang())
    await served.start()
    assert (await served.client.get("/healthz")).status_code == 200
    assert (await served.client.get("/readyz")).status_code == 200


@pytest.mark.checklist("OBS-4", "CFG-2")
async def test_with_the_models_switched_off_none_is_asked(served: Served) -> None:
    await served.start(disable_llm=True)
    reply = await served.ask(QUESTION)
    events = await served.stream(QUESTION)
    assert served.server.requests == []
    assert reply["answer"] == "mars has 2 moons.\n\neverest is 8849 m high."
    assert reply["degraded_because"] == ["llm_disabled"]
    assert reply["usage"]["model_calls"] == 0
    assert events[-1][1]["answer"] == reply["answer"]
    models = (await served.client.get("/readyz")).json()["models"]
    assert {model["kind"] for model in models} == {"disabled"}


@pytest.mark.checklist("CFG-2")
async def test_with_the_models_switched_on_they_are_asked(served: Served) -> None:
    await served.start()
    await served.ask(QUESTION)
    assert len(served.server.requests) == 6


async def test_the_embedded_model_needs_no_server(door: Door, served: Served) -> None:
    client = await door.open(Settings(database_url="memory://"))
    reply = (await client.post("/v1/chat", json={"message": QUESTION})).json()
    assert not reply["degraded"]
    assert served.server.requests == []
