"""The operations of A2A on the caller's own tasks.

Not the SDK's own handler (1.3): it tells the text of exceptions, keeps the raw message, and lets a run that
finishes late overwrite a task that another process has cancelled.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any, NoReturn
from uuid import uuid4

from a2a.server.context import ServerCallContext
from a2a.server.events.event_queue import Event
from a2a.server.request_handlers import RequestHandler
from a2a.types.a2a_pb2 import (
    AgentCard,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
    TaskStatus,
)
from a2a.utils.errors import (
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.input_mode_validator import validate_input_modes
from a2a.utils.proto_utils import validate_proto_required_fields
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size

from ...guards.personal_data import PiiRules
from ...settings import Settings
from .caller import Caller
from .errors import A2AErrors
from .parts import Incoming, Outgoing
from .runs import Asked, TaskRun
from .tasks import StoredTask, TaskEvent, Tasks


class TaskHandler(RequestHandler):
    """Each operation raises `A2AError`s alone, with texts for callers."""

    def __init__(self, settings: Settings, card: AgentCard) -> None:
        """The handler of a service with this card."""
        self._settings = settings
        self._card = card
        self._mask = PiiRules(settings.personal_data_in).hidden
        self._runs: dict[str, TaskRun] = {}
        self._awaited: dict[str, set[asyncio.Future[AsyncGenerator[TaskEvent]]]] = {}
        """Of those who follow a task that no run of this process is at."""

    async def aclose(self) -> None:
        """Stop what runs; the tasks are failed."""
        await asyncio.gather(*(run.aclose() for run in list(self._runs.values())))

    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task:
        """The task when it is over or waits for its caller; at once, where that is asked for."""
        with A2AErrors.told(Caller.of(context).request_id):
            run = await self._started(params, Caller.of(context))
            task = run.task if params.configuration.return_immediately else await run.result()
            return apply_history_length(task, params.configuration)

    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """The task, and what becomes of it."""
        with A2AErrors.told(Caller.of(context).request_id):
            run = await self._started(params, Caller.of(context))
            async with aclosing(run.events()) as events:
                async for event in events:
                    yield apply_history_length(event, params.configuration) if isinstance(event, Task) else event

    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task:
        """The task as it is."""
        with A2AErrors.told(Caller.of(context).request_id):
            validate_proto_required_fields(params)
            validate_history_length(params)
            stored = await self._found(self._tasks(Caller.of(context)), params.id)
            return apply_history_length(stored.task, params)

    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """The caller's tasks, the newest first."""
        with A2AErrors.told(Caller.of(context).request_id):
            validate_history_length(params)
            if params.HasField("page_size"):
                validate_page_size(params.page_size)
            page = await self._tasks(Caller.of(context)).list(params)
            for task in page.tasks:
                if not params.include_artifacts:
                    task.ClearField("artifacts")
                task.CopyFrom(apply_history_length(task, params))
            return page

    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task:
        """The task, cancelled; what runs for it has stopped, or stops soon where another process runs it."""
        with A2AErrors.told(Caller.of(context).request_id):
            validate_proto_required_fields(params)
            tasks = self._tasks(Caller.of(context))
            cancelled = None
            while cancelled is None:  # each turn means that its run has saved a further step
                stored = await self._found(tasks, params.id)
                if stored.is_over:
                    raise TaskNotCancelableError
                cancelled = await tasks.save(stored, stored.changed(TaskState.TASK_STATE_CANCELED))
            if run := self._runs.get(params.id):
                await run.stop(cancelled)
            return cancelled.task

    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Event]:
        """The task as it is, and what becomes of it, whichever process is at it."""
        caller = Caller.of(context)
        with A2AErrors.told(caller.request_id):
            validate_proto_required_fields(params)
            tasks = self._tasks(caller)
            stored = await self._found(tasks, params.id)
            if stored.is_over:
                raise UnsupportedOperationError("The task is over; read it by GetTask.")
            run = self._runs.get(params.id)
            async with aclosing(run.events() if run else self._followed(tasks, stored, caller)) as events:
                async for event in events:
                    yield event

    async def _followed(self, tasks: Tasks, stored: StoredTask, caller: Caller) -> AsyncGenerator[TaskEvent]:
        """What becomes of a task that no run of this process is at yet."""
        here = asyncio.get_running_loop().create_future()
        awaited = self._awaited.setdefault(stored.task.id, set())
        awaited.add(here)
        try:
            async with aclosing(tasks.changes(stored, here, caller.shutdown)) as events:
                async for event in events:
                    yield event
        finally:
            awaited.discard(here)
            if not awaited and self._awaited.get(stored.task.id) is awaited:
                del self._awaited[stored.task.id]

    async def _refuse_push(self, params: Any, context: ServerCallContext) -> NoReturn:
        """A webhook would be a call to whatever address a caller names."""
        raise PushNotificationNotSupportedError("Push notifications are not supported; use SubscribeToTask or GetTask.")

    on_create_task_push_notification_config = _refuse_push
    on_get_task_push_notification_config = _refuse_push
    on_list_task_push_notification_configs = _refuse_push
    on_delete_task_push_notification_config = _refuse_push

    async def on_get_extended_agent_card(self, params: Any, context: ServerCallContext) -> NoReturn:
        """There is one card."""
        raise UnsupportedOperationError("There is no extended card; the public one says it all.")

    def _tasks(self, caller: Caller) -> Tasks:
        decided = partial(caller.gateway.decided, caller.principal)
        return Tasks(caller.gateway.records(caller.principal), decided, self._settings)

    @staticmethod
    async def _found(tasks: Tasks, task_id: str) -> StoredTask:
        """The caller's task; another's is as unknown as one that there is not."""
        if stored := await tasks.find(task_id):
            return stored
        raise TaskNotFoundError

    async def _started(self, params: SendMessageRequest, caller: Caller) -> TaskRun:
        """A run for the message, of a new task or of the one that waits for it."""
        validate_proto_required_fields(params)
        validate_history_length(params.configuration)
        validate_input_modes(params.message, self._card)
        if params.configuration.HasField("task_push_notification_config"):
            await self._refuse_push(params, ServerCallContext())
        tasks, incoming = self._tasks(caller), Incoming(params.message)
        if params.message.task_id:
            stored, asked = await self._continued(tasks, params, incoming, caller)
        else:
            stored, asked = await self._new(tasks, params, incoming, caller)
        task_id = stored.task.id
        run = self._runs[task_id] = TaskRun(caller, tasks, stored, asked)
        run.when_over(lambda: self._runs.pop(task_id) if self._runs.get(task_id) is run else None)
        for here in self._awaited.pop(task_id, ()):
            here.set_result(run.events())
        return run

    async def _new(
        self, tasks: Tasks, params: SendMessageRequest, incoming: Incoming, caller: Caller
    ) -> tuple[StoredTask, Asked]:
        decision = incoming.decision([])
        context_id = caller.gateway.thread_id(params.message.context_id or None, caller.idempotency_key)
        task = Task(id=str(uuid4()), context_id=context_id, status=TaskStatus(state=TaskState.TASK_STATE_SUBMITTED))
        stored = await tasks.new(task)
        if stored is None:
            raise InvalidParamsError("Send the message again.")
        return stored, Asked(self._kept(task, incoming), incoming.text, decision)

    async def _continued(
        self, tasks: Tasks, params: SendMessageRequest, incoming: Incoming, caller: Caller
    ) -> tuple[StoredTask, Asked]:
        """Its context is the task's, whether the message names it or not."""
        last = await self._found(tasks, params.message.task_id)
        if params.message.context_id not in ("", last.task.context_id):
            raise InvalidParamsError("contextId: it is not that of the task.")
        if last.is_over:
            raise UnsupportedOperationError("The task is over; send the message with its contextId alone.")
        if last.is_active:
            raise UnsupportedOperationError("The task is being worked on; wait for it, or cancel it.")
        caller.gateway.thread_id(last.task.context_id, caller.idempotency_key)
        waiting, ids = Outgoing.calls(last.task.status.message.parts)
        task, decision = last.changed(TaskState.TASK_STATE_SUBMITTED), incoming.decision(ids)
        asked = Asked(self._kept(task, incoming), incoming.text, decision, is_follow_up=True, waiting=waiting)
        stored = await tasks.save(last, task)
        if stored is None:
            raise UnsupportedOperationError("Another message has just reached the task; read it by GetTask.")
        return stored, asked

    def _kept(self, task: Task, incoming: Incoming) -> Message:
        message = incoming.masked(self._mask)
        message.task_id, message.context_id = task.id, task.context_id
        return message
