"""Whether a turn reaches the store; a turn that cannot be saved is answered all the same."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from ..errors import StoreUnavailable
from ..limits.deadline import Deadline
from ..telemetry.metrics import FAILURES

log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


class PersistenceStatus:
    """What became of saving one turn.

    After the first failure nothing more is written in this turn: a thread that could not be read
    would be written back without its past.
    """

    _current: ClassVar[ContextVar["PersistenceStatus | None"]] = ContextVar("saving", default=None)

    def __init__(self) -> None:
        self.failed_to_save = False

    @classmethod
    @contextmanager
    def scope(cls) -> Iterator["PersistenceStatus"]:
        """The turn that runs inside; failures of the store are noted here instead of raised."""
        saving = cls()
        token = cls._current.set(saving)
        try:
            yield saving
        finally:
            cls._current.reset(token)

    @classmethod
    def current(cls) -> "PersistenceStatus | None":
        """The turn around the caller; None outside of one."""
        return cls._current.get()

    def mark_failed(self, error: Exception) -> None:
        """Note that the store failed with `error`: this turn will not be saved."""
        if not self.failed_to_save:
            log.warning("not_saved", reason=type(error).__name__)
        self.failed_to_save = True


class StoreTimeout:
    """Asks a store that may be away: bounded in time, and one error for every way to fail."""

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
        asked = asyncio.ensure_future(question)
        seconds = Deadline.clamp(self._seconds)
        try:
            done, _ = await asyncio.wait({asked}, timeout=seconds)
        except BaseException:
            self._leave(asked)
            raise
        if not done:
            self._leave(asked)
            FAILURES.labels("persistence", "store").inc()
            raise StoreUnavailable(f"no answer in {seconds:g} s")
        try:
            return asked.result()
        except self._away as error:
            FAILURES.labels("persistence", "store").inc()
            raise StoreUnavailable(type(error).__name__) from error

    @staticmethod
    def _leave(asked: "asyncio.Future[Any]") -> None:
        asked.add_done_callback(lambda it: it.cancelled() or it.exception())  # seen: no warning
        asked.cancel()

    async def call_or(self, question: Coroutine[Any, Any, T], otherwise: T) -> T:
        """The store's answer; inside a turn that cannot be saved, `otherwise`.

        Raises:
            StoreUnavailable: It failed, and no turn runs that could go on without it.
        """
        saving = PersistenceStatus.current()
        if saving is None:
            return await self.call(question)
        if saving.failed_to_save:
            question.close()
            return otherwise
        try:
            return await self.call(question)
        except StoreUnavailable as error:
            saving.mark_failed(error)
            return otherwise


class DegradingCheckpointer(BaseCheckpointSaver[str]):
    """Goes before a saver among the bases of a class: what that saver fails at is not saved."""

    patience: StoreTimeout

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint; None also in a turn that goes on without the store."""
        return await self.patience.call_or(super().aget_tuple(config), None)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep the checkpoint, unless the turn goes on without the store."""
        asked = super().aput(config, checkpoint, metadata, new_versions)
        return await self.patience.call_or(asked, config)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep what a step wrote, unless the turn goes on without the store."""
        asked = super().aput_writes(config, writes, task_id, task_path)
        await self.patience.call_or(asked, None)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete every checkpoint of a thread."""
        await self.patience.call(super().adelete_thread(thread_id))
