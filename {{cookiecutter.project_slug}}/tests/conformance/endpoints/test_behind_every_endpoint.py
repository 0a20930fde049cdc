"""What a model does is contained, made up for and checked behind every endpoint; and logs and metrics tell of it."""

from typing import Any

import pytest

from harness.telemetry.metrics import REGISTRY
from tests.conformance.conftest import BreakableModel, Served
from tests.conformance.test_gullible_agent import ATTACKS, GRANTED, Gullible, refused
from tests.support.endpoints.base import BASE_URL, EVERY_ENDPOINT, Answer, Client
from tests.support.peers.data_sources import DataSources
from tests.support.peers.openai_replies import Failure, Text
from tests.support.peers.openai_server import OpenAIServer
from tests.support.scripted_model import KEY, QUESTION, WRITTEN
from tests.support.vault import CANARY, FINE, ElsewhereAgent, VaultAgent


async def ask(served: Served, kind: type[Client], way: str, message: str = QUESTION) -> Answer:
    answer = await kind(served.door.app, {"X-Request-ID": "quote-me"}).say(way, message)
    served.check(answer.raw)
    return answer


async def start(served: Served, *agents: Any, **changes: Any) -> None:
    """Start it; no answer stands in for another."""
    await served.start(*agents, public_url=BASE_URL, answer_cache_ttl_seconds=0, **changes)


@EVERY_ENDPOINT
async def test_a_good_model_s_words_are_the_answer(served: Served, kind: type[Client]) -> None:
    await start(served)
    for way in kind.ways:
        answer = await ask(served, kind, way)
        assert (answer.text, answer.degraded) == (WRITTEN, [])


@pytest.mark.checklist("OBS-4")
@EVERY_ENDPOINT
async def test_a_fallback_model_answers(served: Served, kind: type[Client]) -> None:
    with OpenAIServer(BreakableModel()) as backup:
        served.model.breaks(Failure(503))
        await start(
            served,
            **{f"llm_{role}fallback_models": f"openai:scripted-{name}" for role, name in ROLES.items()},
            llm_fallback_base_url=backup.url,
            llm_fallback_api_key=KEY,
            llm_max_retries=0,
        )
        for way in kind.ways:
            answer = await ask(served, kind, way)
            assert (answer.text, answer.degraded) == (WRITTEN, [])
        await served.door.close()
    assert len(backup.requests) == 6 * len(kind.ways)


ROLES = {"": "agent", "planner_": "planner", "writer_": "writer"}


@pytest.mark.checklist("OBS-4")
@EVERY_ENDPOINT
async def test_without_any_model_the_data_are_the_answer(served: Served, kind: type[Client]) -> None:
    served.model.breaks(Failure(503))
    await start(served, llm_max_retries=0)
    for way in kind.ways:
        answer = await ask(served, kind, way)
        assert ("2 moons" in answer.text, "8849 m" in answer.text) == (True, True)
        assert {"planner_unavailable", "model_unavailable"} <= set(answer.degraded)


@EVERY_ENDPOINT
async def test_a_figure_that_nothing_gave_leaves_nowhere(served: Served, kind: type[Client]) -> None:
    served.model.breaks(Text("Mars has 77123 moons."), "writer")
    await start(served)
    for way in kind.ways:
        answer = await ask(served, kind, way)
        assert answer.degraded == ["ungrounded"]
        assert "77123" not in answer.raw
        assert answer.text


@pytest.mark.checklist("DEF-2", "PERM-3")
@EVERY_ENDPOINT
async def test_what_the_policy_does_not_name_is_not_done(
    served: Served, world: DataSources, kind: type[Client]
) -> None:
    await start(
        served,
        VaultAgent,
        ElsewhereAgent,
        llm_planner_model="embedded",
        llm_writer_model="embedded",
        use_fake_data=False,
        data_private_hosts="127.0.0.1",
    )
    attacks = list(ATTACKS.values())
    for way in kind.ways:
        before = refused()
        for few in (attacks[:8], attacks[8:16], attacks[16:]):  # a run may call so many
            served.model.breaks(Gullible(few, world.address), "agent")
            answer = await ask(served, kind, way, "What is in the vault?")
            assert CANARY not in answer.raw
        assert (VaultAgent.ran, world.requests) == ([], [])
        assert sum((refused() - before).values()) == len(attacks)
        served.model.breaks(Gullible(GRANTED, world.address), "agent")
        assert FINE in (await ask(served, kind, way, "What is in the vault now?")).text
        world.requests.clear()


def requests(route: str) -> float:
    """How many the metrics have counted."""
    return REGISTRY.get_sample_value("http_request_seconds_count", {"route": route, "status": "2xx"}) or 0


@EVERY_ENDPOINT
async def test_logs_and_metrics_tell_of_it(served: Served, kind: type[Client]) -> None:
    await start(served)
    answers = [await ask(served, kind, way) for way in kind.ways]
    audits, turns = served.lines.named("audit"), served.lines.named("turn")
    for answer, audit, turn in zip(answers, audits, turns, strict=True):
        for line in (audit, turn):
            assert (line["request_id"], line["thread_id"]) == ("quote-me", answer.thread_id)
        assert (audit["outcome"], audit["agents"]) == ("work", ["heights", "moons"])
        assert turn["run_id"] == audit["run_id"]
    lines = [it for it in served.lines.named("request") if it["method"] == "POST"]
    assert {it["route"] for it in lines} == set(kind.routes or [f"/{kind.name}"])
    assert {it["status"] for it in lines} <= {200, 202}
    for route in {it["route"] for it in lines}:
        assert requests(route) >= 1
