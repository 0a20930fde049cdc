"""Who may ask, and how much: around the prototype as around every agent."""

import pytest

from harness import REGISTRY
from tests.prototypes.conftest import Served
from tests.prototypes.scripts import Case
from tests.support.peers.openai_replies import USAGE, Reply, Request


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
async def test_nobody_without_a_key_reaches_it(served: Served, case: Case, path: str) -> None:
    await served.start()
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await served.client.post(path, json={"message": case.question}, headers=headers)
        assert answer.status_code == 401
    assert served.server.requests == []


async def test_the_rate_of_a_caller_holds(served: Served, case: Case) -> None:
    await served.start(rate_caller_per_minute=1)
    await served.ask(case.question)
    before = len(served.server.requests)
    refused = await served.post("/v1/chat", {"message": case.question})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert len(served.server.requests) == before


async def test_a_run_makes_no_more_model_calls_than_it_may_however_they_are_nested(served: Served, case: Case) -> None:
    limit = max(case.model_calls - 1, 1)
    await served.start(run_max_model_calls=limit)
    reply = await served.ask(case.question)
    assert len(served.server.requests) <= limit
    assert ("over_budget" in reply["degraded_because"]) is (limit < case.model_calls)
    assert reply["answer"]


async def test_a_run_makes_no_more_tool_calls_than_it_may(served: Served, case: Case) -> None:
    if not case.reads:
        pytest.skip("it has no tools")
    await served.start(run_max_tool_calls=1)
    for message in (case.question, case.follow_up):
        before = len(served.spies.ran)
        reply = await served.ask(message)
        assert len(served.spies.ran) - before <= 1
        assert reply["answer"]


async def test_a_prototype_whose_model_never_comes_to_an_end_is_ended(served: Served, case: Case) -> None:
    if not case.reads:
        pytest.skip("it has no tools")
    play, first = case.roles[case.writer], list[Reply]()

    def forever(request: Request) -> Reply:
        first.append(play(request))
        return first[0]

    served.model.roles[case.writer] = forever
    await served.start(run_max_model_calls=6, run_max_tool_calls=6)
    reply = await served.ask(case.question)
    assert len(served.server.requests) <= 6
    assert "over_budget" in reply["degraded_because"]


async def test_its_use_is_counted_in_the_answer_and_in_the_metrics(served: Served, case: Case) -> None:
    def counted() -> float:
        found = (it for family in REGISTRY.collect() for it in family.samples if it.name == "llm_calls_total")
        return sum(it.value for it in found if it.labels["outcome"] == "ok")

    await served.start()
    before = counted()
    reply = await served.ask(case.question)
    assert reply["usage"]["model_calls"] == counted() - before == case.model_calls
    assert reply["usage"]["input_tokens"] == USAGE["prompt_tokens"] * case.model_calls
