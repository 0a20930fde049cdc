"""Case 22 on its way in: what is masked reaches no model, no store and no log; what is refused nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.settings import Settings
from tests.conformance.conftest import Served
from tests.conformance.test_outgoing import writer
from tests.conftest import Door, Lines
from tests.support.peers.openai_replies import Hang
from tests.support.scripted_model import QUESTION

CARD, IBAN = "4111 1111 1111 1111", "ES91 2100 0418 4502 0005 1332"
MESSAGE = f"{QUESTION} My card is {CARD}, my account {IBAN}."


def content(folder: Path) -> bytes:
    """Every file of the store, the write-ahead log too."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("is_streamed", [False, True], ids=["chat", "stream"])
async def test_what_is_masked_reaches_no_model_no_store_and_no_log(
    served: Served, tmp_path: Path, is_streamed: bool
) -> None:
    database = tmp_path / "threads.sqlite"
    await served.start(database_url=f"sqlite:///{database.as_posix()}", audit_content=True)
    if is_streamed:
        events = await served.stream(MESSAGE)
        reply: dict[str, Any] = events[-1][1]
    else:
        events = []
        reply = await served.ask(MESSAGE)
    thread = await served.client.get(f"/v1/threads/{reply['thread_id']}")
    (notice,) = [it for it in reply["notices"] if "Hidden" in it]
    assert "card numbers, account numbers (IBAN)" in notice
    assert "My card is [card], my account [iban]." in str(served.asked("planner")[0].messages)
    (line,) = served.lines.named("audit")
    assert line["question"].endswith("My card is [card], my account [iban].")
    assert {it["because"] for it in line["decisions"]} == {"card", "iban"}
    await served.door.close()
    stored = content(tmp_path)
    assert b"[card]" in stored
    everything = str(reply) + str(events) + thread.text + served.lines.text
    everything += str([request.body for request in served.server.requests])
    for value in (CARD, IBAN):
        assert value not in everything
        assert value.encode() not in stored


@pytest.mark.checklist("INJ-3")
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/stream"])
async def test_what_is_refused_gets_422_and_reaches_nothing(served: Served, tmp_path: Path, path: str) -> None:
    database = tmp_path / "threads.sqlite"
    url = f"sqlite:///{database.as_posix()}"
    await served.start(database_url=url, personal_data_in="card:refuse")
    answer = await served.client.post(path, json={"message": MESSAGE})
    assert answer.status_code == 422
    assert "personal data (card)" in answer.json()["detail"]
    assert CARD not in answer.text + served.lines.text
    assert served.server.requests == []
    (line,) = served.lines.named("audit")
    assert line["decisions"] == [{"guard": "personal_data", "decision": "refused", "because": "card"}]
    await served.door.close()
    assert CARD.encode() not in content(tmp_path)


@pytest.mark.checklist("INJ-3")
async def test_a_caller_who_leaves_while_it_is_planned_leaves_nothing_of_it(served: Served, tmp_path: Path) -> None:
    database = tmp_path / "threads.sqlite"
    served.model.breaks(Hang(), "planner")
    await served.start(database_url=f"sqlite:///{database.as_posix()}")
    asking = asyncio.create_task(served.client.post("/v1/chat", json={"message": MESSAGE}))
    while not served.asked("planner"):  # noqa: ASYNC110  # a server of another thread
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await served.door.close()
    assert CARD.encode() not in content(tmp_path)


async def test_a_message_in_spanish_is_told_in_spanish(door: Door, lines: Lines) -> None:
    client = await door.open(Settings(database_url="memory://"))
    question = f"¿Cuántas lunas tiene Marte? Mi tarjeta es {CARD}"
    reply = (await client.post("/v1/chat", json={"message": question})).json()
    assert any("números de tarjeta" in notice for notice in reply["notices"])
    assert CARD not in str(reply)


async def test_what_passes_is_left_as_it_is(door: Door) -> None:
    settings = Settings(database_url="memory://", personal_data_in="none")
    client = await door.open(settings)
    question = f"How many moons has Mars? {CARD}"
    reply = (await client.post("/v1/chat", json={"message": question})).json()
    assert reply["agents"][0]["question"] == question


@pytest.mark.parametrize(("acts", "told"), [("email:mask", "[email]"), ("none", "bob@home.example")])
async def test_what_nothing_gave_is_masked_or_left_on_its_way_out_as_the_operator_says(
    served: Served, acts: str, told: str
) -> None:
    served.model.breaks(writer("Mars has 2, Everest 8849. Write to bob@home.example. Bye."), "writer")
    await served.start(personal_data_out=acts)
    events = await served.stream(QUESTION)
    tokens = "".join(data["text"] for name, data in events if name == "token")
    assert tokens == events[-1][1]["answer"] == f"Mars has 2, Everest 8849. Write to {told}. Bye."
    assert not events[-1][1]["degraded"]
