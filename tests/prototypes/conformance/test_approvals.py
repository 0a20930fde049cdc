"""A tool that writes waits for a person, wherever in the prototype a model has called it."""

import asyncio

import pytest

from tests.prototypes.conftest import ANA, EVE, NAME, Served
from tests.prototypes.scripts import CASES, Writing

WRITINGS = CASES[NAME].writings
pytestmark = pytest.mark.skipif(not WRITINGS, reason="it has no tool that writes")
each = pytest.mark.parametrize("writing", WRITINGS, ids=[it.tool for it in WRITINGS])


def wrote(served: Served, writing: Writing) -> list[dict[str, object]]:
    """The arguments of each call of the tool that has begun."""
    return [arguments for name, arguments in served.spies.ran if name == writing.tool]


@each
async def test_it_waits_and_is_shown_as_it_would_run(served: Served, writing: Writing) -> None:
    await served.start()
    reply = await served.ask(writing.message)
    (approval,) = reply["approvals"]
    assert (approval["tool"], approval["arguments"]) == (writing.tool, writing.arguments)
    assert [it["status"] for it in reply["agents"]] == ["waiting"]
    assert writing.tool in reply["answer"]
    assert not reply["degraded"]
    assert (await served.thread()).json()["approvals"] == reply["approvals"]
    assert wrote(served, writing) == []


@each
async def test_a_stream_ends_with_what_waits_and_says_nothing_is_done(served: Served, writing: Writing) -> None:
    await served.start()
    _, final, _ = (await served.stream(writing.message))[-1]
    assert [it["tool"] for it in final["approvals"]] == [writing.tool]
    assert wrote(served, writing) == []


@each
async def test_approved_it_runs_once_as_shown_and_no_model_is_asked_in_between(
    served: Served, writing: Writing
) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    asked, when = len(served.server.requests), list[int]()
    served.spies.seen = lambda: when.append(len(served.server.requests))
    answer = await served.decide(approval)
    assert answer.status_code == 200, answer.text
    assert wrote(served, writing) == [writing.arguments]
    assert when == [asked], "a model was asked between what a person saw and what ran"
    reply = answer.json()
    assert (reply["answer"], reply["degraded_because"], reply["approvals"]) == (writing.answer, [], [])
    assert (await served.thread()).json()["messages"][-1]["text"] == writing.answer


@each
async def test_rejected_it_never_runs_and_the_answer_says_so(served: Served, writing: Writing) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    reply = (await served.decide(approval, "reject")).json()
    assert reply["agents"][0]["status"] == "rejected"
    assert writing.tool in reply["answer"]
    assert (await served.decide(approval)).status_code == 409
    assert wrote(served, writing) == []
    assert (await served.thread()).json()["approvals"] == []


@each
async def test_decided_again_it_does_not_run_again(served: Served, writing: Writing) -> None:
    """The same decision gets the same reply, the other one is a conflict."""
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    first, again = await served.decide(approval), await served.decide(approval)
    assert first.json() == again.json()
    assert (await served.decide(approval, "reject")).status_code == 409
    assert wrote(served, writing) == [writing.arguments]


@each
async def test_decisions_at_the_same_time_run_it_once(served: Served, writing: Writing) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    await asyncio.gather(*(served.decide(approval) for _ in range(4)))
    assert wrote(served, writing) == [writing.arguments]


@each
async def test_nobody_else_decides_and_nobody_decides_what_does_not_wait(served: Served, writing: Writing) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    assert (await served.decide(approval, by=EVE)).status_code == 404
    assert (await served.decide({"id": "0" * 32})).status_code == 404
    assert wrote(served, writing) == []


@each
async def test_what_waits_outlives_the_process(served: Served, writing: Writing) -> None:
    url = f"sqlite:///{served.folder}/threads.sqlite"
    await served.start(database_url=url)
    (approval,) = (await served.ask(writing.message))["approvals"]
    await served.stop()
    await served.start(database_url=url)
    assert (await served.decide(approval)).json()["answer"] == writing.answer
    assert wrote(served, writing) == [writing.arguments]


@each
async def test_a_message_in_between_takes_it_back(served: Served, writing: Writing) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    reply = await served.ask("Thanks.")
    assert reply["answer"] == CASES[NAME].follow_answer
    assert any(writing.tool in it for it in reply["notices"])
    assert (await served.decide(approval)).status_code in (404, 409)
    assert wrote(served, writing) == []


@each
async def test_a_deleted_conversation_has_nothing_left_to_decide(served: Served, writing: Writing) -> None:
    await served.start()
    (approval,) = (await served.ask(writing.message))["approvals"]
    await served.client.delete("/v1/threads/t1", headers=served.named(ANA))
    assert (await served.decide(approval)).status_code == 404
    assert wrote(served, writing) == []
