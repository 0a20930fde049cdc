import asyncio
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import httpx2
import orjson
import pytest
import uvicorn

from harness.application import Application
from harness.errors import ShuttingDown
from harness.http.run_stream import HEARTBEAT, RunStream
from harness.http.shutdown import ShutdownManager
from harness.http.streaming import ChatFrames, EventStream
from harness.runtime.agent import ToolResult
from harness.runtime.replies import Event, Reply
from harness.service import Service
from harness.settings import Settings
from harness.telemetry.metrics import REGISTRY
from tests.conftest import Door, Lines
from tests.support.agents import MoonsAgent

PATIENCE_SECONDS = 5
QUESTION = {"message": "How many moons has Mars?"}


def events(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream as a browser would read them, comments left out."""
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            found.append((int(fields["id"]), fields["event"], orjson.loads(fields["data"])))
    return found


class SlowAgent(MoonsAgent):
    """Looks something up until it is cancelled."""

    started: ClassVar[asyncio.Event]
    cancelled: ClassVar[asyncio.Event]

    async def look_up(self, name: str) -> ToolResult:
        """Never ends."""
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError


async def test_a_stream_tells_the_plan_the_agents_the_answer_and_the_whole_reply(client: httpx2.AsyncClient) -> None:
    message = "How many moons has Mars and how high is Everest?"
    answer = await client.post("/v1/chat/stream", json={"message": message, "thread_id": "t1"})
    told = events(answer.text)
    names = [name for _, name, _ in told]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert names[:2] == ["started", "plan"]
    assert told[0][2] == {"thread_id": "t1", "run_id": told[-1][2]["run_id"]}
    assert names.count("agent_started") == names.count("agent_finished") == 2
    assert names[-1] == "final"
    reply = Reply.model_validate(told[-1][2])
    assert reply.thread_id == "t1"


async def test_the_pieces_of_a_stream_are_the_answer(client: httpx2.AsyncClient) -> None:
    told = events((await client.post("/v1/chat/stream", json=QUESTION)).text)
    pieces = [data["text"] for _, name, data in told if name == "token"]
    assert "".join(pieces).split() == told[-1][2]["answer"].split()


async def test_both_doors_give_the_same_reply(client: httpx2.AsyncClient) -> None:
    whole = (await client.post("/v1/chat", json=QUESTION)).json()
    streamed = events((await client.post("/v1/chat/stream", json=QUESTION)).text)[-1][2]
    for own in ("thread_id", "run_id"):
        assert whole.pop(own) != streamed.pop(own)
    assert whole == streamed


async def test_a_message_refused_by_the_run_is_a_problem_and_no_stream(door: Door) -> None:
    client = await door.open(Settings(database_url="memory://", message_max_chars=3))
    answer = await client.post("/v1/chat/stream", json={"message": "long"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def failed_streams() -> float:
    return REGISTRY.get_sample_value("failures_total", {"room": "api", "part": "stream"}) or 0


async def test_a_failure_after_the_start_is_the_last_event(
    client: httpx2.AsyncClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> AsyncGenerator[Event]:
        yield Event(event="plan", data={})
        raise RuntimeError("at http://internal with password=hunter2")

    monkeypatch.setattr(Service, "stream", broken)
    before = failed_streams()
    answer = await client.post("/v1/chat/stream", json=QUESTION)
    assert failed_streams() == before + 1
    first, last = events(answer.text)
    assert (first[1], last[1]) == ("plan", "error")
    assert last[2]["status"] == 500
    assert last[2]["instance"] == answer.headers["x-request-id"]
    assert "internal" not in answer.text
    (logged,) = lines.named("request_failed")
    assert logged["request_id"] == last[2]["instance"]
    assert "hunter2" not in lines.text


async def test_a_failure_before_the_first_event_is_a_problem(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> AsyncGenerator[Event]:
        if QUESTION:
            raise RuntimeError("no event yet")
        yield Event(event="plan", data={})

    monkeypatch.setattr(Service, "stream", broken)
    answer = await client.post("/v1/chat/stream", json=QUESTION)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_silent_run_is_kept_alive_by_comments(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = 0
    enough = asyncio.Event()

    async def counted(self: RunStream) -> object:
        nonlocal beats
        outcome = await waited(self)
        beats += outcome is HEARTBEAT
        if beats == 3:
            enough.set()
        return outcome

    async def silent(*_: object, **__: object) -> AsyncGenerator[Event]:
        await enough.wait()
        yield Event(event="plan", data={})

    waited = RunStream._next
    monkeypatch.setattr(RunStream, "_next", counted)
    monkeypatch.setattr(RunStream, "HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr(Service, "stream", silent)
    answer = await client.post("/v1/chat/stream", json=QUESTION)
    assert answer.text.startswith(3 * ChatFrames.HEARTBEAT.decode())
    assert [name for _, name, _ in events(answer.text)] == ["plan"]


async def test_a_request_that_ends_before_the_first_event_ends_the_run() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncGenerator[Event]:
        try:
            started.set()
            await asyncio.Event().wait()
            yield Event(event="plan", data={})
        finally:
            ended.set()

    run = RunStream(silent(), ShutdownManager(Settings()))
    waiting = asyncio.create_task(EventStream(run, ChatFrames(), "r1").response())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await started.wait()
        waiting.cancel()
        await ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()


async def test_a_process_that_ends_before_the_first_event_ends_the_run() -> None:
    life = ShutdownManager(Settings())
    life.cancel_all()

    async def slow() -> AsyncGenerator[Event]:
        await asyncio.Event().wait()
        yield Event(event="plan", data={})

    run = RunStream(slow(), life)
    with pytest.raises(ShuttingDown):
        await EventStream(run, ChatFrames(), "r1").response()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait([run._task])
    assert run._task.cancelled()


async def test_a_caller_who_goes_away_ends_the_run() -> None:
    SlowAgent.started, SlowAgent.cancelled = asyncio.Event(), asyncio.Event()
    settings = Settings(database_url="memory://", disable_llm=True)
    app = Application([SlowAgent]).create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    serving = asyncio.create_task(server._serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:  # noqa: ASYNC110  # uvicorn tells it by this flag alone
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = orjson.dumps(QUESTION)
        head = f"POST /v1/chat/stream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        await SlowAgent.started.wait()
        assert b"event: plan" in await reader.readuntil(b"event: plan")
        writer.close()
        await SlowAgent.cancelled.wait()
        server.should_exit = True
        await serving
    assert SlowAgent.cancelled.is_set()


async def test_a_stream_cannot_be_joined_in_the_middle_and_nothing_is_run_for_it(
    client: httpx2.AsyncClient, lines: Lines
) -> None:
    for number in ("3", ""):
        answer = await client.post("/v1/chat/stream", json=QUESTION, headers={"Last-Event-ID": number})
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("Last-Event-ID: ")
    assert not lines.named("turn")
