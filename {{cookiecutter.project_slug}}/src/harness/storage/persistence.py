"""What happens when the store of threads fails: a run goes on and says that it is not saved."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)

from ..errors import StoreUnavailable
from ..limits.deadline import Deadline
from ..run_context import RunContext
from ..telemetry.metrics import FAILURES

log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


class PersistenceStatus:
    """Whether the store has failed in one run.

    After the first failure nothing more is written in this run: a thread that could not be read
    would be written back without its past.
    """

    def __init__(self) -> None:
        self.failed = False
        self.confirm: Callable[[], Coroutine[Any, Any, None]] = self._confirmed
        """Raises what its driver does where the thread's lock was lost: another process may have it."""

    @staticmethod
    async def _confirmed() -> None:
        """Locks of this process alone are not lost."""

    def mark_failed(self, error: Exception) -> None:
        """The store failed with `error`: this run will not be saved."""
        if not self.failed:
            log.warning("not_saved", reason=getattr(error, "reason", type(error).__name__))
        self.failed = True


class StoreTimeout:
    """Runs a store call with a timeout; maps its driver's errors to StoreUnavailable."""

    def __init__(self, seconds: float, away: tuple[type[Exception], ...]) -> None:
        """Wait `seconds` for an answer; the errors `away` mean that none will come just now."""
        self._seconds = seconds
        self._away = away

    async def call(self, question: Coroutine[Any, Any, T]) -> T:
        """The store's answer.

        Raises:
            StoreUnavailable: It failed or did not answer in time.
        """
        # A task that is left behind, not `asyncio.timeout`: psycopg (3.3) answers a cancellation
        # only when the server has, which a server that hangs never does.
        task = asyncio.ensure_future(question)
        seconds = Deadline.clamp_whole(self._seconds)  # also of a step whose time is over: it is saved as it is
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except BaseException:
            self._abandon(task)
            raise
        if not done:
            self._abandon(task)
            FAILURES.labels("persistence", "store").inc()
            raise StoreUnavailable(f"no answer in {seconds:g} s")
        try:
            return task.result()
        except self._away as error:
            FAILURES.labels("persistence", "store").inc()
            raise StoreUnavailable(type(error).__name__) from error

    @staticmethod
    def _abandon(task: "asyncio.Future[Any]") -> None:
        task.add_done_callback(lambda it: it.cancelled() or it.exception())  # seen: no warning
        task.cancel()

    async def call_or(self, question: Coroutine[Any, Any, T], default: T) -> T:
        """The store's answer; `default` in a run that goes on without the store.

        Raises:
            StoreUnavailable: It failed, and there is no run that could go on.
        """
        status = RunContext.current().persistence
        if status is None:
            return await self.call(question)
        if status.failed:
            question.close()
            return default
        try:
            return await self.call(question)
        except StoreUnavailable as error:
            status.mark_failed(error)
            return default


class DegradingCheckpointer(BaseCheckpointSaver[str]):
    """Mixin for a checkpointer, first in the bases: store failures degrade the run, they do not end it."""

    timeout: StoreTimeout

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint; None also in a run that goes on without the store."""
        return await self.timeout.call_or(super().aget_tuple(config), None)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save the checkpoint, unless the run goes on without the store.

        One below its parent would never be seen again, and one without its lock hide another's: not saved.
        """
        if status := RunContext.current().persistence:
            await self.timeout.call_or(status.confirm(), None)
            if checkpoint["id"] < (config["configurable"].get("checkpoint_id") or ""):  # None: a graph's in a graph
                status.mark_failed(StoreUnavailable("a checkpoint below its parent"))
        return await self.timeout.call_or(super().aput(config, checkpoint, metadata, new_versions), config)

    # LangGraph (1.2) looks for the name `task_path`, and leaves the path out where it finds none.
    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a step wrote, unless the run goes on without the store."""
        await self.timeout.call_or(super().aput_writes(config, writes, task_id, task_path), None)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete every checkpoint of a thread."""
        await self.timeout.call(super().adelete_thread(thread_id))


class LoopCheckpointer(DegradingCheckpointer):
    """The same, whose synchronous methods are for other threads: a graph that a tool calls with `invoke`."""

    loop: asyncio.AbstractEventLoop

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint, as `aget_tuple` gives it; so all of them."""
        return RunContext.wait_in(self.loop, self.aget_tuple(config))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint."""
        return RunContext.wait_in(self.loop, self.aput(config, checkpoint, metadata, new_versions))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a step wrote."""
        RunContext.wait_in(self.loop, self.aput_writes(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread."""
        RunContext.wait_in(self.loop, self.adelete_thread(thread_id))

    def list(self, *given: Any, **named: Any) -> Iterator[CheckpointTuple]:
        """The checkpoints of a thread."""
        yield from RunContext.wait_in(self.loop, self._listed(*given, **named))

    async def _listed(self, *given: Any, **named: Any) -> Sequence[CheckpointTuple]:
        return [it async for it in self.alist(*given, **named)]

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What a channel that keeps changes alone was given."""
        return RunContext.wait_in(self.loop, self.aget_delta_channel_history(config=config, channels=channels))
