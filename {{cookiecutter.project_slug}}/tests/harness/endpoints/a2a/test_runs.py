"""Tests of `runs` and `handler`: who wins when a run ends while its task is ended by others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from a2a.types.a2a_pb2 import TaskState

from harness.endpoints.a2a.handler import TaskHandler
from harness.endpoints.a2a.tasks import StoredTask, Tasks
from harness.errors import StoreUnavailable
from harness.settings import Settings
from harness.storage.records import Record, RecordsInMemory
from tests.support.a2a_caller import PATIENCE_SECONDS, SLOW, A2AServer, Caller, SlowAgent, short

pytestmark = pytest.mark.checklist("INT-2")

QUESTION = "How many moons has Mars?"

STOPPED_SECONDS = Settings().request_timeout_seconds / 3


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    SlowAgent.reset()
    monkeypatch.setattr(Tasks, "POLL_SECONDS", 0.05)
    settings = Settings(database_url="memory://", disable_llm=True)
    async with A2AServer.of(settings, SLOW) as server, server.caller() as caller:
        yield caller


async def stopped() -> None:
    """Wait until the tool was cancelled: long before the run's own deadline would do it."""
    async with asyncio.timeout(STOPPED_SECONDS):
        await SlowAgent.cancelled.wait()


async def running(slow: Caller) -> tuple[str, str]:
    """Ids of a task whose tool runs, and of its context."""
    task = await slow.send(QUESTION, now=True)
    await SlowAgent.started.wait()
    return task["id"], task["contextId"]


async def test_a_task_that_another_process_has_cancelled_stops_its_tool(
    slow: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with slow.http.stream(
        "POST",
        "/a2a/rest/message:stream",
        json={"message": {"role": "ROLE_USER", "messageId": "m", "parts": [{"text": QUESTION}]}},
    ) as stream:
        await SlowAgent.started.wait()
        [task] = (await slow.rpc("ListTasks", {}))["result"]["tasks"]
        await elsewhere(slow, task["id"], monkeypatch)
        await stopped()
        told = (await stream.aread()).decode()
    assert told.strip().split("\n\n")[-1].count("TASK_STATE_CANCELED") == 1
    assert await slow.state(task["id"]) == "canceled"


async def elsewhere(slow: Caller, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel a task as another process would: it knows nothing of the run."""
    known = TaskHandler.on_cancel_task

    async def as_other_process(self: TaskHandler, *arguments: Any) -> Any:
        runs, self._runs = self._runs, {}
        try:
            return await known(self, *arguments)
        finally:
            self._runs = runs

    with monkeypatch.context() as other:
        other.setattr(TaskHandler, "on_cancel_task", as_other_process)
        ended = await slow.rpc("CancelTask", {"id": task_id})
    assert short(ended["result"]["status"]["state"]) == "canceled"


async def test_a_run_that_ends_just_after_a_cancel_elsewhere_does_not_complete_the_task(
    slow: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tasks, "POLL_SECONDS", PATIENCE_SECONDS)  # the run itself must find out
    task_id, _ = await running(slow)
    await elsewhere(slow, task_id, monkeypatch)
    waiting = asyncio.create_task(subscribed_to_nothing_more(slow, task_id))
    SlowAgent.go_on.set()
    await waiting
    assert not SlowAgent.cancelled.is_set()
    assert await slow.state(task_id) == "canceled"


async def subscribed_to_nothing_more(slow: Caller, task_id: str) -> None:
    told = await slow.rpc("SubscribeToTask", {"id": task_id})
    assert told["error"]["code"] == -32004


async def test_a_thread_that_is_deleted_takes_its_run_with_it(slow: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id, _ = await running(slow)
    await slow.http.get("/healthz")

    async def gone(*_: object) -> None:
        return None

    monkeypatch.setattr(RecordsInMemory, "find", gone)
    await stopped()
    assert (await slow.task(task_id))["code"] == -32001


async def test_a_store_that_is_away_for_a_moment_stops_no_run(slow: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id, _ = await running(slow)
    polled = asyncio.Event()

    async def away(*_: object) -> None:
        polled.set()
        raise StoreUnavailable("planted")

    with monkeypatch.context() as broken:
        broken.setattr(RecordsInMemory, "find", away)
        await polled.wait()
    SlowAgent.go_on.set()
    await slow.until(task_id, "completed")


async def test_an_answer_that_cannot_be_saved_fails_the_task_for_those_who_wait(
    slow: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = asyncio.create_task(slow.send(QUESTION))
    await SlowAgent.started.wait()

    async def away(*_: object) -> Record | None:
        raise StoreUnavailable("planted secret")

    monkeypatch.setattr(RecordsInMemory, "save", away)
    SlowAgent.go_on.set()
    task = await sending
    assert short(task["status"]["state"]) == "failed"
    assert "planted" not in str(task)


async def test_a_cancel_goes_on_when_its_run_saves_a_step_meanwhile(
    slow: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id, _ = await running(slow)
    saved, tries = Tasks.save, list[int]()

    async def late(self: Tasks, last: StoredTask, task: Any) -> StoredTask | None:
        if task.status.state == TaskState.TASK_STATE_CANCELED and not tries:
            tries.append(1)
            return None
        return await saved(self, last, task)

    monkeypatch.setattr(Tasks, "save", late)
    ended = await slow.rpc("CancelTask", {"id": task_id})
    assert short(ended["result"]["status"]["state"]) == "canceled"
    assert SlowAgent.cancelled.is_set()
