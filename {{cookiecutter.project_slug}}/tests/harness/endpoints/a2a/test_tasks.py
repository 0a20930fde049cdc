"""Tests of `tasks`, on each kind of store."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from a2a.helpers.proto_helpers import new_data_part
from a2a.types.a2a_pb2 import ListTasksRequest, Task, TaskState, TaskStatus

from harness.auth.principal import Principal, Scope
from harness.endpoints.a2a.parts import Outgoing
from harness.endpoints.a2a.tasks import StoredTask, Tasks
from harness.http.gateway import OwnRecords
from harness.http.shutdown import ShutdownManager
from harness.settings import Settings
from harness.storage.records import RecordsInMemory
from harness.storage.sqlite import Checkpoints

pytestmark = pytest.mark.checklist("INT-2")

ANA, EVE = (Principal.from_key(name, Scope) for name in ("ana", "eve"))
OVER = [it for it in TaskState.values() if it not in (0, 1, 2, 6, 8)]


async def undecided(approval_id: str, thread_id: str) -> None:
    """Nobody has decided."""


@pytest.fixture
async def tasks(url: str) -> AsyncIterator[Tasks]:
    settings = Settings(database_url=url)
    async with Checkpoints.open(settings) as store:
        yield Tasks(OwnRecords(store.records, "a2a", ANA), undecided, settings)


async def new(tasks: Tasks, name: str = "k1") -> StoredTask:
    status = TaskStatus(state=TaskState.TASK_STATE_WORKING)
    stored = await tasks.new(Task(id=name, context_id="t1", status=status))
    assert stored
    return stored


@pytest.mark.parametrize("over", OVER, ids=TaskState.Name)
async def test_a_task_that_is_over_is_never_changed(tasks: Tasks, over: TaskState) -> None:
    working = await new(tasks)
    ended = await tasks.save(working, working.changed(over))
    assert ended
    assert ended.is_over
    for last in (working, ended):
        assert await tasks.save(last, last.changed(TaskState.TASK_STATE_WORKING)) is None
    found = await tasks.find("k1")
    assert found
    assert found.task.status.state == over


async def test_the_message_of_a_state_becomes_history(tasks: Tasks) -> None:
    working = await new(tasks)
    asking = working._replace(task=working.changed(TaskState.TASK_STATE_INPUT_REQUIRED, Outgoing.message(n="1")))
    after = asking.changed(TaskState.TASK_STATE_WORKING)
    assert [dict(it.metadata) for it in after.history] == [{"n": "1"}]
    assert not after.status.HasField("message")


async def test_a_task_that_is_refused_again_and_again_stays_small(tasks: Tasks) -> None:
    stored = await new(tasks)
    for number in range(150):
        refused = Outgoing.message(n=str(number))
        stored = stored._replace(task=stored.changed(TaskState.TASK_STATE_INPUT_REQUIRED, refused))
    assert [it.metadata["n"] for it in stored.task.history][::99] == ["49", "148"]


async def test_a_page_names_its_tasks_by_state_and_context(tasks: Tasks) -> None:
    for number in range(3):
        await new(tasks, f"k{number}")
    page = await tasks.list(ListTasksRequest(page_size=2))
    assert [it.id for it in page.tasks] == ["k2", "k1"]
    rest = await tasks.list(ListTasksRequest(page_size=2, page_token=page.next_page_token))
    assert ([it.id for it in rest.tasks], rest.next_page_token) == (["k0"], "")
    assert not (await tasks.list(ListTasksRequest(context_id="t2"))).tasks
    assert len((await tasks.list(ListTasksRequest(status=TaskState.TASK_STATE_WORKING))).tasks) == 3


async def test_what_no_process_works_on_any_more_is_failed_when_it_is_read() -> None:
    records, settings = RecordsInMemory(), Settings(request_timeout_seconds=3, turn_wait_seconds=4)
    tasks = Tasks(OwnRecords(records, "a2a", ANA), undecided, settings)
    assert tasks.silent_seconds == 10
    stored = await new(tasks)
    for name, age_seconds, state in (("young", 9, "WORKING"), ("old", 11, "FAILED"), ("listed", 11, "FAILED")):
        stored = await new(tasks, name)
        place = ("a2a", ANA.id, name)
        records._records[place] = replace(stored.record, updated_at=time.time() - age_seconds)
        if name == "listed":
            [found, *_] = (await tasks.list(ListTasksRequest())).tasks
            assert found.id == name
        else:
            read = await tasks.find(name)
            assert read
            found = read.task
        assert TaskState.Name(found.status.state) == f"TASK_STATE_{state}"
    assert await tasks.save(stored, stored.changed(TaskState.TASK_STATE_COMPLETED)) is None


async def test_nobody_finds_anothers(tasks: Tasks) -> None:
    await new(tasks)
    others = Tasks(OwnRecords(tasks._records._records, "a2a", EVE), undecided, Settings())
    assert await others.find("k1") is None
    assert not (await others.list(ListTasksRequest())).tasks
    assert await others.new(Task(id="k1", context_id="t1"))


async def test_a_task_whose_call_nobody_has_decided_in_time_is_over(tasks: Tasks) -> None:
    for until, state in (("9999-01-01T00:00:00+00:00", "INPUT_REQUIRED"), ("2020-01-01T00:00:00+00:00", "CANCELED")):
        working = await new(tasks, until)
        waiting = Outgoing.message(new_data_part({"approvals": [{"id": "0" * 32, "expiresAt": until}]}))
        assert await tasks.save(working, working.changed(TaskState.TASK_STATE_INPUT_REQUIRED, waiting))
        found = await tasks.find(until)
        assert found
        assert TaskState.Name(found.task.status.state) == f"TASK_STATE_{state}"


async def test_followed_until_it_is_deleted_or_has_waited_long(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tasks, "POLL_SECONDS", 0.001)
    working = await new(tasks)
    shutdown = ShutdownManager(Settings())
    here = asyncio.get_running_loop().create_future()
    events = tasks.changes(working, here, shutdown)
    assert await anext(events) == working.task
    await tasks._records.delete("k1")
    assert [it async for it in events] == []
    waiting = await new(tasks, "k2")
    waiting = await tasks.save(waiting, waiting.changed(TaskState.TASK_STATE_INPUT_REQUIRED)) or waiting
    tasks.silent_seconds = 0.01
    assert len([it async for it in tasks.changes(waiting, here, shutdown)]) == 1
