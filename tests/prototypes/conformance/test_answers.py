"""The prototype answers as a service does: whole, as a stream, over turns, and to each person their own."""

from typing import Any

import pytest

from tests.prototypes.conftest import ANA, EVE, NAME, Event, Served
from tests.prototypes.scripts import Case
from tests.support.peers.openai_replies import Text

only_sign_up = pytest.mark.skipif(NAME != "sign_up", reason="of the prototype that asks back")
only_travel = pytest.mark.skipif(NAME != "travel_handoffs", reason="of the prototype that hands over")


def left(events: list[Event]) -> str:
    """The pieces that stand at the end: those after the last `withdrawn`."""
    names = [name for name, _, _ in events]
    at = max((number for number, name in enumerate(names) if name == "withdrawn"), default=-1)
    return "".join(data["text"] for name, data, _ in events[at + 1 :] if name == "token")


def asked_about(served: Served, since: int = 0) -> str:
    """All that models were shown."""
    return str([it.body["messages"] for it in served.server.requests[since:]])


async def test_it_answers(served: Served, case: Case) -> None:
    await served.start()
    reply = await served.ask(case.question)
    assert reply["answer"] == case.answer
    assert (reply["degraded_because"], reply["approvals"], reply["thread_id"]) == ([], [], "t1")
    assert [it["status"] for it in reply["agents"]] == ["answered"]
    assert reply["grounding"] == case.grounding
    assert len(served.server.requests) == reply["usage"]["model_calls"] == case.model_calls


async def test_it_answers_as_a_stream(served: Served, case: Case) -> None:
    await served.start()
    events = await served.stream(case.question)
    names = [name for name, _, _ in events]
    assert (names[0], names[-1]) == ("started", "final")
    assert set(names) <= {
        "started",
        "plan",
        "agent_started",
        "agent_finished",
        "progress",
        "token",
        "withdrawn",
        "final",
    }
    started, final = events[0][1], events[-1][1]
    assert (started["thread_id"], started["run_id"]) == ("t1", final["run_id"])
    assert final["answer"] == case.answer
    assert left(events).split() == case.answer.split()


async def test_the_stream_never_shows_what_another_agent_was_told(served: Served, case: Case) -> None:
    """A piece that left is a piece of the answer, or was taken back before the next one."""
    await served.start()
    text = ""
    for name, data, _ in await served.stream(case.question):
        text = "" if name == "withdrawn" else text + (data["text"] if name == "token" else "")
        assert case.answer.startswith(text.strip()) or name != "final"
    assert text.split() == case.answer.split()


async def test_the_next_turn_goes_on_where_the_last_one_was(served: Served, case: Case) -> None:
    await served.start()
    await served.ask(case.question)
    before = len(served.server.requests)
    reply = await served.ask(case.follow_up)
    assert (reply["answer"], reply["degraded_because"]) == (case.follow_answer, [])
    assert (case.question in asked_about(served, before)) is case.remembers


async def test_its_memory_outlives_the_process(served: Served, case: Case) -> None:
    url = f"sqlite:///{served.folder}/threads.sqlite"
    await served.start(database_url=url)
    await served.ask(case.question)
    await served.stop()
    before = len(served.server.requests)
    await served.start(database_url=url)
    assert (await served.ask(case.follow_up))["answer"] == case.follow_answer
    assert (case.question in asked_about(served, before)) is case.remembers


async def test_a_conversation_is_read_as_its_turns(served: Served, case: Case) -> None:
    await served.start()
    await served.ask(case.question)
    await served.ask(case.follow_up)
    messages = (await served.thread()).json()["messages"]
    wanted = [("user", case.question), ("assistant", case.answer), ("user", case.follow_up)]
    assert [(it["role"], it["text"]) for it in messages] == [*wanted, ("assistant", case.follow_answer)]


@pytest.mark.parametrize("store", ["memory://", "sqlite:///{}/threads.sqlite"])
async def test_a_conversation_that_is_deleted_is_forgotten_by_the_graph_too(
    served: Served, case: Case, store: str
) -> None:
    await served.start(database_url=store.format(served.folder))
    await served.ask(case.question)
    await served.ask(case.question, "t2")
    deleted = await served.client.delete("/v1/threads/t1", headers=served.named(ANA))
    assert deleted.status_code == 204
    assert (await served.thread()).status_code == 404
    before = len(served.server.requests)
    await served.ask("Hello again. I was born in 1987.")
    assert case.question not in asked_about(served, before)
    assert len((await served.thread("t2")).json()["messages"]) == 2


async def test_another_persons_conversation_is_unseen(served: Served, case: Case) -> None:
    await served.start()
    await served.ask(case.question, by=ANA)
    assert (await served.thread(by=EVE)).status_code == 404
    before = len(served.server.requests)
    await served.ask("Hello. I was born in 1999.", by=EVE)
    assert case.question not in asked_about(served, before)
    assert len((await served.thread(by=ANA)).json()["messages"]) == 2


@pytest.mark.skipif(NAME == "sign_up", reason="its answer is its own, whatever a model says")
async def test_an_invented_figure_leaves_where_the_prototype_answers_openly_alone(served: Served, case: Case) -> None:
    await served.start()
    play = served.model.roles[case.writer]

    def inventing(request: Any) -> Any:
        reply = play(request)
        return Text("It costs 98765 euros.") if isinstance(reply, Text) else reply

    served.model.roles[case.writer] = inventing
    reply = await served.ask(case.question)
    assert ("98765" in reply["answer"]) is (case.grounding == "open")
    assert reply["degraded_because"] == ([] if case.grounding == "open" else ["ungrounded"])


# Handoffs: who has the conversation keeps it.


@only_travel
async def test_who_was_handed_the_conversation_keeps_it(served: Served, case: Case) -> None:
    await served.start()
    for message in (case.question, case.follow_up):
        await served.ask(message)
    before = len(served.server.requests)
    assert (await served.ask("And the night after?"))["answer"] == case.follow_answer
    prompts = [str(it.messages[0]["content"]) for it in served.server.requests[before:]]
    assert {it.startswith("You sell rooms") for it in prompts} == {True}


@only_travel
async def test_a_deleted_conversation_begins_with_the_first_agent_again(served: Served, case: Case) -> None:
    await served.start()
    for message in (case.question, case.follow_up):
        await served.ask(message)
    await served.client.delete("/v1/threads/t1", headers=served.named(ANA))
    assert (await served.ask(case.question))["answer"] == case.answer


# A question back, and what is remembered of a person.

ASKS = "In which year were you born?"
DONE = "You are signed up for bicycle repair, born in 1987."


@only_sign_up
async def test_its_question_comes_back_and_the_next_message_answers_it(served: Served) -> None:
    await served.start()
    asked = await served.ask("Sign me up for bicycle repair.")
    assert (asked["answer"], asked["degraded_because"]) == (ASKS, [])
    assert [it["status"] for it in asked["agents"]] == ["asked"]
    again = await served.ask("I would rather not say.")
    assert (again["answer"], [it["status"] for it in again["agents"]]) == (ASKS, ["asked"])
    done = await served.ask("1987")
    assert (done["answer"], [it["status"] for it in done["agents"]]) == (DONE, ["answered"])
    assert len(served.server.requests) == 1
    messages = (await served.thread()).json()["messages"]
    assert [it["text"] for it in messages if it["role"] == "assistant"] == [ASKS, ASKS, DONE]


@only_sign_up
async def test_a_question_back_outlives_the_process(served: Served) -> None:
    url = f"sqlite:///{served.folder}/threads.sqlite"
    await served.start(database_url=url)
    await served.ask("Sign me up for bicycle repair.")
    await served.stop()
    await served.start(database_url=url)
    assert (await served.ask("1987"))["answer"] == DONE


@only_sign_up
async def test_a_person_is_known_in_their_other_conversations_and_nobody_else_is(served: Served, case: Case) -> None:
    await served.start()
    await served.ask(case.question, "t1", ANA)
    assert (await served.ask("Sign me up for bicycle repair.", "t2", ANA))["answer"] == DONE
    assert (await served.ask("Sign me up for bicycle repair.", "t1", EVE))["answer"] == ASKS


@only_sign_up
async def test_its_progress_is_an_event_of_the_stream(served: Served, case: Case) -> None:
    await served.start()
    events = await served.stream(case.question)
    told = [data for name, data, _ in events if name == "progress"]
    assert told == [{"progress": "signing up", "percent": 50}]
