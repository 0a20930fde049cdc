"""A2A over two processes with one store: any of them answers for a task, also when the other one has been killed."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson
import pytest

from harness.errors import ShuttingDown
from tests.support.a2a_caller import PATIENCE_SECONDS, A2AServer, Caller, short
from tests.support.processes import Process

pytestmark = [
    pytest.mark.checklist("INT-2"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows ends without a signal"),
]

QUESTION = "How many moons has Mars?"
SETTINGS = {
    "LIMITS": "off",
    "DISABLE_LLM": "true",
    "LOG_LEVEL": "WARNING",
    "REQUEST_TIMEOUT_SECONDS": "300",  # longer than any wait of a test: it stops nothing here
    "TURN_WAIT_SECONDS": "1",
}


class Two(NamedTuple):
    """Two processes, and a caller of each."""

    one: Caller
    other: Caller
    process: Process
    folder: Path

    def lines(self, name: str) -> int:
        file = self.folder / name
        return len(file.read_text().splitlines()) if file.exists() else 0

    async def until(self, name: str, lines: int) -> None:
        """Wait until the agents have written so many lines."""
        last = time.monotonic() + PATIENCE_SECONDS
        while self.lines(name) < lines:
            assert time.monotonic() < last, f"{name}: {self.lines(name)} of {lines}"
            await asyncio.sleep(0.02)


async def started(stack: AsyncExitStack, folder: Path, settings: dict[str, str]) -> Two:
    made = [Process(settings, folder, number, ("tests.support.a2a_served",)) for number in range(2)]
    callers = []
    for process in made:
        stack.callback(process.close)
    for process in made:
        await asyncio.to_thread(process.wait_until_ready)
        callers.append(await stack.enter_async_context(A2AServer(process.address).caller()))
    return Two(callers[0], callers[1], made[0], folder)


@pytest.fixture
async def two(database_url: str, tmp_path: Path) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        yield await started(stack, tmp_path, {**SETTINGS, "DATABASE_URL": database_url})


async def subscribed(caller: Caller, task_id: str) -> list[str]:
    """What a subscription tells, in short, until it ends."""
    told: list[str] = []
    body = {"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": task_id}}
    async with asyncio.timeout(PATIENCE_SECONDS), caller.http.stream("POST", "/a2a", json=body) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                frame = orjson.loads(line.removeprefix("data: "))
                if "error" in frame:
                    return [*told, frame["error"]["message"]]
                [(kind, event)] = frame["result"].items()
                told.append(f"{kind} {short(event['status']['state'])}" if "status" in event else kind)
    return told


async def one_round(two: Two) -> None:
    """Cancel, subscribe, answer and approve at the other process."""
    (two.folder / "go").unlink(missing_ok=True)
    begun, cancelled = two.lines("begun"), two.lines("cancelled")
    task = await two.one.send(QUESTION, now=True)
    await two.until("begun", begun + 1)
    await two.other.until(task["id"], "working")
    ended = await two.other.rpc("CancelTask", {"id": task["id"]})
    assert short(ended["result"]["status"]["state"]) == "canceled"
    await two.until("cancelled", cancelled + 1)
    assert await two.one.state(task["id"]) == "canceled"

    task = await two.one.send(QUESTION, now=True)
    await two.until("begun", begun + 2)
    await two.other.until(task["id"], "working")
    following = asyncio.create_task(subscribed(two.other, task["id"]))
    await asyncio.sleep(0.1)
    (two.folder / "go").touch()
    assert (await following) == ["task working", "artifactUpdate", "statusUpdate completed"]
    assert await two.other.state(task["id"]) == "completed"

    follow_up = await two.other.send("And Saturn?", contextId=task["contextId"])
    assert follow_up["artifacts"][0]["parts"][0]["text"] == "saturn has 146 moons."
    asking = await two.one.send("How many moons?")
    assert short(asking["status"]["state"]) == "input_required"
    done = await two.other.send("Mars", taskId=asking["id"])
    assert done["artifacts"][0]["parts"][0]["text"] == "mars has 2 moons."
    waiting = await two.one.send("Cancel order 7")
    tried = await asyncio.gather(
        *(it.send(data={"decision": "approve"}, taskId=waiting["id"]) for it in (two.one, two.other))
    )
    assert "completed" in [short(it["status"]["state"]) for it in tried if "status" in it]
    assert {it["code"] for it in tried if "code" in it} <= {-32004}
    for caller in (two.one, two.other):
        assert await caller.state(task["id"]) == "completed"
        assert await caller.state(waiting["id"]) == "completed"


@pytest.mark.parametrize("rounds", [1, pytest.param(50, marks=pytest.mark.exhaustive)])
async def test_each_of_two_processes_answers_for_the_tasks_of_both(two: Two, rounds: int) -> None:
    for _ in range(rounds):
        await one_round(two)


@pytest.mark.slow
async def test_no_task_of_a_killed_process_goes_on_for_ever(database_url: str, tmp_path: Path) -> None:
    hurried = {**SETTINGS, "DATABASE_URL": database_url, "REQUEST_TIMEOUT_SECONDS": "2", "TURN_WAIT_SECONDS": "0"}
    async with AsyncExitStack() as stack:
        two = await started(stack, tmp_path, hurried)
        asking = await two.one.send("How many moons?")
        task = await two.one.send(QUESTION, now=True)
        await two.until("begun", 1)
        await two.other.until(task["id"], "working")
        following = asyncio.create_task(subscribed(two.other, task["id"]))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(two.process.end, signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await two.one.task(task["id"])
        assert await two.other.state(task["id"]) == "working"
        assert (await following)[-1] == "statusUpdate failed"
        lost = await two.other.task(task["id"])
        assert short(lost["status"]["state"]) == "failed"
        assert "Send the message again" in lost["status"]["message"]["parts"][0]["text"]
        (tmp_path / "go").touch()
        assert (await two.other.send("And now?", taskId=task["id"]))["code"] == -32004
        assert short((await two.other.send("Mars", taskId=asking["id"]))["status"]["state"]) == "completed"
        listed = (await two.other.rpc("ListTasks", {}))["result"]["tasks"]
        assert {short(it["status"]["state"]) for it in listed} == {"failed", "completed"}


@pytest.mark.slow
async def test_a_process_that_is_asked_to_end_tells_its_streams_how_their_tasks_ended(tmp_path: Path) -> None:
    grace_seconds = 1
    settings = {**SETTINGS, "DATABASE_URL": "memory://", "SHUTDOWN_GRACE_SECONDS": str(grace_seconds)}
    process = Process(settings, tmp_path, 0, ("tests.support.a2a_served",))
    try:
        await asyncio.to_thread(process.wait_until_ready)
        async with A2AServer(process.address).caller() as caller:
            two = Two(caller, caller, process, tmp_path)
            waiting = await caller.send("How many moons?")
            following = asyncio.create_task(subscribed(caller, waiting["id"]))
            task = await caller.send(QUESTION, now=True)
            stream = asyncio.create_task(subscribed(caller, task["id"]))
            await two.until("begun", 1)
            await asyncio.sleep(0.2)
            process.process.send_signal(signal.SIGTERM)
            assert (await stream)[-1] == "statusUpdate failed"
            assert two.lines("cancelled") == 1
            waits, end = await following
            assert waits == "task input_required"
            assert end.startswith(ShuttingDown.detail)
        assert await asyncio.to_thread(process.process.wait, PATIENCE_SECONDS) in (0, -signal.SIGTERM)
        assert "Traceback" not in process.log
    finally:
        process.close()
