"""A step of the owner's before and after each run, over HTTP, in a stream and on the command line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness import (
    Application,
    InputRefused,
    Principal,
    Reply,
    Settings,
    ThreadRef,
    main,
)
from tests.conftest import Lines
from tests.harness.http.test_streaming import events
from tests.support.agents import TEST_AGENTS
from tests.support.owner import KEY, QUESTION, Opens


async def test_a_step_before_the_run_changes_or_refuses_the_message(opens: Opens) -> None:
    async def before_run(message: str, thread: ThreadRef) -> str:
        assert thread.owner == Principal.from_key("ana", []).id
        if "secret" in message:
            raise InputRefused("message", "ask something else")
        return message.replace("Mars", "Saturn")

    client = await opens(before_run=before_run)
    changed = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert changed.json()["answer"] == "saturn has 146 moons."
    stream = await client.post("/v1/chat/stream", json=QUESTION, headers=KEY)
    assert events(stream.text)[-1][2]["answer"] == "saturn has 146 moons."
    for path in ("/v1/chat", "/v1/chat/stream"):
        refused = await client.post(path, json={"message": "A secret?"}, headers=KEY)
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            "message: ask something else",
        )


async def shout(reply: Reply, thread: ThreadRef) -> Reply:
    return reply.model_copy(update={"answer": f"{reply.answer.upper()} {thread.thread_id}"})


async def test_a_step_after_the_run_changes_the_reply_and_its_second_try(opens: Opens) -> None:
    client = await opens(after_run=shout)
    body, headers = {**QUESTION, "thread_id": "t1"}, {**KEY, "Idempotency-Key": "k1"}
    first = await client.post("/v1/chat", json=body, headers=headers)
    assert first.json()["answer"] == "MARS HAS 2 MOONS. t1"
    again = await client.post("/v1/chat/stream", json=body, headers=headers)
    assert events(again.text)[-1][2] == first.json()


@pytest.mark.parametrize("name", ["before_run", "after_run"])
async def test_a_step_that_breaks_is_a_failure_of_ours_that_names_it(
    opens: Opens, lines: Lines, name: str
) -> None:
    async def step(_: object, thread: ThreadRef) -> None:
        return None

    client = await opens(**{name: step})
    answer = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert answer.status_code == 500
    assert f"`{name}` of the Application in src/app/main.py" in lines.text


async def test_a_step_after_the_run_that_hangs_lets_nothing_leave(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def step(reply: Reply, thread: ThreadRef) -> Reply:
        await asyncio.sleep(60)
        return reply

    monkeypatch.setattr("harness.hooks.RunHooks.AFTER_SECONDS", 0.05)
    client = await opens(after_run=step)
    answer = await client.post("/v1/chat", json=QUESTION, headers=KEY)
    assert answer.status_code == 500
    assert "moons" not in answer.text


def test_the_command_line_takes_the_same_steps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(_: Settings) -> AsyncIterator[None]:
        seen.append("start")
        yield
        seen.append("end")

    monkeypatch.chdir(tmp_path)
    application = Application(TEST_AGENTS, after_run=shout, lifespan=lifespan)
    monkeypatch.setattr(Application, "load", lambda: application)
    assert main(["ask", "--thread", "t7", "How many moons has Mars?"]) == 0
    assert capsys.readouterr().out.startswith("MARS HAS 2 MOONS. t7")
    assert seen == ["start", "end"]
