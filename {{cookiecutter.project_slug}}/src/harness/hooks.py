"""A step of the owner's before and after each run, whichever way its message came."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from .errors import ConfigurationError
from .runtime.replies import Reply
from .storage.thread_ref import ThreadRef

BeforeRun = Callable[[str, ThreadRef], Awaitable[str]]
AfterRun = Callable[[Reply, ThreadRef], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class RunHooks:
    """`before_run` and `after_run` of the application."""

    AFTER_SECONDS: ClassVar = 5
    """Longest time for `after_run`; the deadline of the request may be over when it begins. A guess."""

    before_run: BeforeRun | None = None
    after_run: AfterRun | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be awaited.

        Raises:
            ConfigurationError: A step is no `async def`.
        """
        for name in ("before_run", "after_run"):
            step = getattr(self, name)
            if step and not inspect.iscoroutinefunction(step):
                raise ConfigurationError([f"src/app/main.py: {name}: write it as `async def`"])

    async def before(self, message: str, thread: ThreadRef) -> str:
        """The message that the run answers; the guards read it afterwards.

        Raises:
            ServiceError: The owner's step refuses it.
        """
        if self.before_run is None:
            return message
        with self.named("before_run"):
            changed = await self.before_run(message, thread)
            if not isinstance(changed, str):
                raise TypeError(f"it must return the message, not {type(changed).__name__}")
            return changed

    async def after(self, reply: Reply, thread: ThreadRef) -> Reply:
        """The reply as it leaves and as a second try gets it.

        Raises:
            TimeoutError: The owner's step takes too long; nothing leaves that it has not seen.
        """
        if self.after_run is None:
            return reply
        with self.named("after_run"):
            async with asyncio.timeout(self.AFTER_SECONDS):
                changed = await self.after_run(reply, thread)
            if not isinstance(changed, Reply):
                raise TypeError(f"it must return the Reply, not {type(changed).__name__}")
            return changed

    @staticmethod
    @contextmanager
    def named(place: str) -> Iterator[None]:
        """Name the place of the owner's in what is raised: the log shows it below the traceback."""
        try:
            yield
        except Exception as error:
            error.add_note(f"raised in `{place}` of the Application in src/app/main.py")
            raise
