"""The tasks of one caller, in the service's own store: right whichever process looks."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Final, NamedTuple

import orjson
from a2a.helpers.proto_helpers import new_text_part
from a2a.server.context import ServerCallContext
from a2a.server.tasks import InMemoryTaskStore
from a2a.types.a2a_pb2 import (
    Artifact,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from google.protobuf.json_format import MessageToJson, Parse

from ...http.gateway import OwnRecords
from ...http.shutdown import ShutdownManager
from ...runtime.replies import Reply
from ...settings import Settings
from ...storage.records import Record
from .parts import Outgoing

TaskEvent = Task | TaskStatusUpdateEvent | TaskArtifactUpdateEvent

ACTIVE: Final = frozenset({TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING})
MOST_MESSAGES: Final = 100  # the newest; one that waits may be sent what is refused as often as somebody likes. Guess
WAITING: Final = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})


class StoredTask(NamedTuple):
    """A task as it was saved."""

    task: Task
    record: Record

    @property
    def is_active(self) -> bool:
        """True while a run is at it."""
        return self.task.status.state in ACTIVE

    @property
    def is_over(self) -> bool:
        """True in a state that it never leaves."""
        return self.task.status.state not in ACTIVE | WAITING

    def changed(self, state: TaskState, message: Message | None = None) -> Task:
        """The task in another state; the message of the last one goes into its history."""
        task = Task()
        task.CopyFrom(self.task)
        if task.status.HasField("message"):
            task.history.append(task.status.message)
        del task.history[:-MOST_MESSAGES]
        task.status.CopyFrom(TaskStatus(state=state, message=message))
        task.status.timestamp.GetCurrentTime()
        return task

    def status_event(self) -> TaskStatusUpdateEvent:
        """Its state, for whoever listens."""
        return TaskStatusUpdateEvent(task_id=self.task.id, context_id=self.task.context_id, status=self.task.status)

    def artifact_event(
        self, artifact: Artifact, *, append: bool = False, last_chunk: bool = True
    ) -> TaskArtifactUpdateEvent:
        """An artifact of it, or a piece of one, for whoever listens."""
        return TaskArtifactUpdateEvent(
            task_id=self.task.id,
            context_id=self.task.context_id,
            artifact=artifact,
            append=append,
            last_chunk=last_chunk,
        )


class Tasks:
    """Each method raises StoreUnavailable while the store is away."""

    POLL_SECONDS: ClassVar = 1.0
    """How soon a process sees what another one saved, seconds; a query each time for each task that runs."""

    MOST: Final = 1000
    """Of a caller's tasks, the newest that are listed and counted; a task is some kB. Guess."""

    EXPIRED: Final = "Nobody has decided in time. Ask again, in a new task."
    LOST: Final = "The process that was at it has ended. Send the message again, in a new task."

    def __init__(
        self, records: OwnRecords, decided: Callable[[str, str], Awaitable[Reply | None]], settings: Settings
    ) -> None:
        """Those of one caller. `decided` gives the reply to a call by its id and thread, once it was decided."""
        self._records = records
        self._decided = decided
        self.silent_seconds = 2 * settings.request_timeout_seconds + settings.turn_wait_seconds
        """Longest time between two saves of a run that lives: it waits for a place and for its turn, and runs."""

    async def new(self, task: Task) -> StoredTask | None:
        """Save a task that is new."""
        task.status.timestamp.GetCurrentTime()
        return await self._saved(self._records.new(task.id, task.context_id, self._written(task)), task)

    async def find(self, task_id: str) -> StoredTask | None:
        """The task as it is; one whose process has died is failed now, one that was decided elsewhere goes on."""
        record = await self._records.find(task_id)
        return await self._read(record) if record else None

    async def save(self, last: StoredTask, task: Task) -> StoredTask | None:
        """Save `task` in place of `last`; None where that is not the last one any more, or over, or deleted."""
        if last.is_over:
            return None
        return await self._saved(replace(last.record, value=self._written(task)), task)

    async def list(self, asked: ListTasksRequest) -> ListTasksResponse:
        """The page that is asked for, as the SDK's store in memory cuts it.

        Raises:
            InvalidParamsError: There is no such page.
        """
        store, anybody = InMemoryTaskStore(use_copying=False), ServerCallContext()
        outlined = {}
        for record in await self._records.list(self.MOST):
            if task := self._outline(record):
                outlined[task.id] = record
                await store.save(task, anybody)
            elif stored := await self._read(record):
                await store.save(stored.task, anybody)
        page = await store.list(asked, anybody)
        for task in page.tasks:
            if task.id in outlined:
                task.CopyFrom(self._parsed(outlined[task.id]))
        return page

    @staticmethod
    def _outline(record: Record) -> Task | None:
        """What a task is chosen and sorted by, unless a run is at it: to read a thousand whole takes 7 times as long."""
        told = orjson.loads(record.value)
        status = TaskStatus(state=TaskState.Value(told["status"]["state"]))
        if status.state in ACTIVE:
            return None
        status.timestamp.FromJsonString(told["status"]["timestamp"])
        return Task(id=told["id"], context_id=told["contextId"], status=status)

    async def changes(
        self, stored: StoredTask, here: "asyncio.Future[AsyncGenerator[TaskEvent]]", shutdown: ShutdownManager
    ) -> AsyncGenerator[TaskEvent]:
        """The task, and what becomes of it, whichever process is at it, until it is over or deleted.

        One that waits for its caller is followed for as long as a run may take. `here` gives the events of its
        next run where this process has it: all streams of one process tell the same.
        """
        yield stored.task
        last = time.monotonic() + self.silent_seconds
        while not stored.is_over and (stored.is_active or time.monotonic() < last):
            with shutdown.request():
                await asyncio.wait([here], timeout=self.POLL_SECONDS)
            if here.done():
                async with aclosing(here.result()) as events:
                    async for event in events:
                        yield StoredTask(event, stored.record).status_event() if isinstance(event, Task) else event
                return
            now = await self.find(stored.task.id)
            if now is None:
                return
            if now.record.version != stored.record.version:
                for artifact in now.task.artifacts:
                    yield now.artifact_event(artifact)
                yield now.status_event()
                if now.task.status.state in WAITING:
                    return
            stored = now

    async def _read(self, record: Record) -> StoredTask | None:
        stored = StoredTask(self._parsed(record), record)
        if Outgoing.calls(stored.task.status.message.parts)[0] and stored.task.status.state in WAITING:
            return await self._decided_elsewhere(stored)
        if not stored.is_active or time.time() - record.updated_at < self.silent_seconds:
            return stored
        failed = stored.changed(TaskState.TASK_STATE_FAILED, Outgoing.message(new_text_part(self.LOST)))
        return await self._changed(stored, failed)

    async def _decided_elsewhere(self, stored: StoredTask) -> StoredTask | None:
        """A task whose calls a person decided at another endpoint, or nobody in time; as it is while they wait."""
        calls = Outgoing.calls(stored.task.status.message.parts)[1]
        for approval_id in calls:
            if reply := await self._decided(approval_id, stored.task.context_id):
                state, message, artifact = Outgoing.end(reply)
                task = stored.changed(state, message)
                del task.artifacts[:]
                task.artifacts.append(artifact)
                return await self._changed(stored, task)
        if any(datetime.fromisoformat(it) > datetime.now(UTC) for it in calls.values()):
            return stored
        expired = stored.changed(TaskState.TASK_STATE_CANCELED, Outgoing.message(new_text_part(self.EXPIRED)))
        return await self._changed(stored, expired)

    async def _changed(self, stored: StoredTask, task: Task) -> StoredTask | None:
        """The task as it is saved now, also where another process has just changed it."""
        return await self.save(stored, task) or await self.find(stored.task.id)

    async def _saved(self, record: Record, task: Task) -> StoredTask | None:
        saved = await self._records.save(record)
        return StoredTask(task, saved) if saved else None

    @staticmethod
    def _parsed(record: Record) -> Task:
        task: Task = Parse(record.value, Task(), ignore_unknown_fields=True)
        return task

    @staticmethod
    def _written(task: Task) -> str:
        written: str = MessageToJson(task, indent=None)
        return written
