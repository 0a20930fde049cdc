"""One message of a task, answered in a task of asyncio's own: told to whoever listens, saved for all others."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final, NamedTuple

import structlog
from a2a.helpers.proto_helpers import new_text_part
from a2a.types.a2a_pb2 import Artifact, Message, Part, Task, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from ...errors import ShuttingDown
from ...http.failures import Failure
from ...runtime.replies import Reply
from ...runtime.state import Decision
from .caller import Caller
from .errors import A2AErrors
from .parts import Outgoing
from .tasks import StoredTask, TaskEvent, Tasks

log = structlog.stdlib.get_logger(__name__)


class Asked(NamedTuple):
    """What a message asks for: a question, or a decision about a call that waits."""

    message: Message
    """What is kept of it, from when it is admitted."""
    text: str
    decision: Decision | None = None
    is_follow_up: bool = False
    """True where the task waited for this message."""
    waiting: Part | None = None
    """The calls that waited when it came."""


class EndedElsewhere(Exception):
    """The task was cancelled by another request, or deleted with its thread."""


class TaskRun:
    """It goes on when its caller leaves; it is stopped by `stop`, and soon after another process ends the task."""

    GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)
    """Of a decision: about a call that waits no more."""

    def __init__(self, caller: Caller, tasks: Tasks, stored: StoredTask, asked: Asked) -> None:
        """Begin to answer what `asked` says, for the task that was saved."""
        self._caller = caller
        self._tasks = tasks
        self._stored = stored
        self._asked = asked
        self._listeners: set[asyncio.Queue[TaskEvent | None]] = set()
        self._is_saving = False
        self._is_stopped = False
        self._is_admitted = False
        self._run = asyncio.create_task(self._live())

    @property
    def task(self) -> Task:
        """The task as it is now."""
        return self._stored.task

    async def result(self) -> Task:
        """The task when it is over, or waits for its caller."""
        await asyncio.wait([self._run])
        return self.task

    def events(self) -> AsyncGenerator[TaskEvent]:
        """The task as it is now, and what becomes of it from here on."""
        listener = asyncio.Queue[TaskEvent | None]()
        listener.put_nowait(self.task)
        if self._run.done():
            listener.put_nowait(None)
        self._listeners.add(listener)
        return self._heard(listener)

    async def stop(self, ended: StoredTask | None) -> None:
        """Stop what runs, since the task was ended (`ended`) or deleted; its tools have stopped afterwards."""
        self._is_stopped = True
        self._adopt(ended)
        await self.aclose()

    async def aclose(self) -> None:
        """Stop it with the process; its task is failed."""
        self._run.cancel()
        await asyncio.wait([self._run])

    def when_over(self, then: Callable[[], object]) -> None:
        """Call `then` when it is over."""
        self._run.add_done_callback(lambda _: then())

    async def _heard(self, listener: asyncio.Queue[TaskEvent | None]) -> AsyncGenerator[TaskEvent]:
        try:
            while (event := await listener.get()) is not None:
                yield event
        finally:
            self._listeners.discard(listener)

    async def _live(self) -> None:
        watch = asyncio.create_task(self._watch())
        try:
            await self._answer()
        except EndedElsewhere:
            await self._end_as_stored()
        except asyncio.CancelledError:
            if not self._is_stopped:
                await self._refuse(ShuttingDown())
        except Exception as error:  # noqa: BLE001  # told in the protocol's words
            await self._refuse(error)
        finally:
            watch.cancel()
            for listener in self._listeners:
                listener.put_nowait(None)

    async def _watch(self) -> None:
        """Stop the run when another process has ended its task."""
        while True:
            await asyncio.sleep(self._tasks.POLL_SECONDS)
            with suppress(Exception):  # the next look may find it
                now = await self._tasks.find(self.task.id)
                is_ours = self._is_saving or (now and now.record.version <= self._stored.record.version)
                if not is_ours:
                    await self.stop(now)

    async def _answer(self) -> None:
        reply = await (self._decided(self._asked.decision) if self._asked.decision else self._streamed())
        # What no agent was asked for is not kept either: it may be what the guards have declined.
        await self._save(*Outgoing.end(reply), is_kept=bool(reply.agents))

    async def _decided(self, decision: Decision) -> Reply:
        caller = self._caller
        await self._save(TaskState.TASK_STATE_WORKING, is_kept=True)
        return await caller.gateway.decide(caller.principal, decision, self.task.context_id)

    async def _streamed(self) -> Reply:
        caller, begun = self._caller, False
        run = caller.gateway.stream(
            caller.principal, self._asked.text, self.task.context_id, idempotency_key=caller.idempotency_key
        )
        async with run:
            async for event in run:
                data = event["data"]
                match event["event"]:
                    case "started":
                        await self._save(TaskState.TASK_STATE_WORKING, is_kept=True)
                    case "agent_started" | "agent_finished" as step:
                        self._tell_step(f"{step} {data['agent']}")
                    case "token":
                        piece = Outgoing.piece(data["text"])
                        self._tell(self._stored.artifact_event(piece, append=begun, last_chunk=False))
                        begun = True
                    case "withdrawn":
                        begun = False
                    case "final":
                        return Reply.model_validate(data)
        raise ShuttingDown

    async def _refuse(self, error: Exception) -> None:
        """Tell why there is no answer."""
        failure = A2AErrors.recorded(error, self._caller.request_id)
        state = A2AErrors.state(failure)
        if self._asked.is_follow_up and self._waits_on(failure):
            state = TaskState.TASK_STATE_INPUT_REQUIRED
        waiting = self._asked.waiting if state == TaskState.TASK_STATE_INPUT_REQUIRED else None
        reason = Outgoing.message(new_text_part(failure.text), waiting, **A2AErrors.metadata(failure))
        try:
            await self._save(state, reason)
        except EndedElsewhere:
            await self._end_as_stored()
        except Exception as lost:  # noqa: BLE001  # those who listen hear it; it is failed later, by whoever reads it
            A2AErrors.recorded(lost, self._caller.request_id)
            self._adopt(self._stored._replace(task=self._stored.changed(state, reason)))

    def _waits_on(self, failure: Failure) -> bool:
        """True where nothing was done: what the task waits for can still be sent."""
        is_gone = self._asked.decision is not None and failure.status in self.GONE
        return failure.retry_after_seconds is not None or not (is_gone or failure.is_server_error)

    async def _save(
        self,
        state: TaskState,
        message: Message | None = None,
        artifact: Artifact | None = None,
        *,
        is_kept: bool | None = None,
    ) -> None:
        """Save the task's new state, and tell it; with or without what was asked, where `is_kept` says so.

        Raises:
            EndedElsewhere: It has another one, which is its last.
        """
        task = self._stored.changed(state, message)
        if is_kept is not None and is_kept != self._is_admitted:
            (task.history.append if is_kept else task.history.remove)(self._asked.message)
            self._is_admitted = is_kept
        if artifact:
            del task.artifacts[:]
            task.artifacts.append(artifact)
        self._is_saving = True
        try:
            saved = await self._tasks.save(self._stored, task)
        finally:
            self._is_saving = False
        if saved is None:
            raise EndedElsewhere
        if artifact:
            self._tell(self._stored.artifact_event(artifact))
        self._adopt(saved)

    async def _end_as_stored(self) -> None:
        with suppress(Exception):
            self._adopt(await self._tasks.find(self.task.id))

    def _adopt(self, stored: StoredTask | None) -> None:
        """Go on with the task as it was saved, and tell its state; one that was deleted is cancelled for its readers."""
        self._stored = stored or self._stored._replace(task=self._stored.changed(TaskState.TASK_STATE_CANCELED))
        self._tell(self._stored.status_event())

    def _tell_step(self, text: str) -> None:
        """What an agent does: for those who listen now, and in no history."""
        event = self._stored.status_event()
        event.status.message.CopyFrom(Outgoing.message(new_text_part(text)))
        self._tell(event)

    def _tell(self, event: TaskStatusUpdateEvent | TaskArtifactUpdateEvent) -> None:
        for listener in self._listeners:
            listener.put_nowait(event)
