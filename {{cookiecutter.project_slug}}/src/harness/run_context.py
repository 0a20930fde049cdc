"""What belongs to one run: its thread, deadline, budget, usage and audit record, in one place.

The graph's nodes get it as `runtime.context`. Layers to which LangGraph hands no runtime (models,
tools, guards, the store) read `RunContext.current()`.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from .prompts.language import LANGUAGES, Language

if TYPE_CHECKING:
    from .guards.tool_policy import Approval, ApprovalGate
    from .limits.budget import RunUsage
    from .limits.deadline import Deadline
    from .models.call_recorder import Usage
    from .runtime.agent import ToolResult
    from .runtime.answer_stream import AnswerStream
    from .runtime.graph_runner import GraphHost
    from .runtime.state import Decision
    from .storage.persistence import PersistenceStatus
    from .storage.thread_ref import ThreadRef
    from .telemetry.audit_log import AuditLog

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run, or one step of it with its own deadline, budget or language.

    Outside of a run everything is empty: nothing is counted, and nothing is due.
    """

    run_id: str = ""
    thread: "ThreadRef | None" = None
    deadline: "Deadline | None" = None
    budgets: "tuple[RunUsage, ...]" = ()
    """What the run, and the agent in it, have used of their limits."""

    usage: "Usage | None" = None
    """What its model calls used, as the providers count."""

    audit: "AuditLog | None" = None
    persistence: "PersistenceStatus | None" = None
    language: Language = LANGUAGES[0]
    gate: "ApprovalGate | None" = None
    """Collects the calls of writing tools, until a person has approved them."""

    approval: "Approval | None" = None
    """Lets one approved call run."""

    only: str = ""
    """The agent that gets the whole message, where the caller has chosen it; no planner is asked."""

    decision: "Decision | None" = None
    """A person's decision, with which the run is resumed. LangGraph (1.2) gives a node whose run
    broke the value of before: that would carry out another decision, or one twice."""

    host: "GraphHost | None" = None
    """What a graph's models and tools use of the service: its factory, guards and settings."""

    loop: asyncio.AbstractEventLoop | None = None
    """Where the run runs, for what runs in a thread."""

    evidence: "list[ToolResult] | None" = None
    """What tools have brought in this task, whoever called them."""

    degraded: "list[str] | None" = None
    """Why the answer of this task is degraded, as models and tools inside of a graph have found."""

    nested: list[str] | None = None
    """Roles of the models that the running tool has asked: its result is their words, and no evidence."""

    stream: "AnswerStream | None" = None
    """Where the words of the answer go as they are written; None where nobody reads along, and for
    words that are not the answer's."""

    @classmethod
    def current(cls) -> "RunContext":
        """The context of the running task."""
        return current_run.get()

    @classmethod
    @contextmanager
    def scope(cls, **changes: Any) -> Iterator["RunContext"]:
        """The current context with `changes`, inside of the block and in all tasks that it starts."""
        run = replace(current_run.get(), **changes)
        before = current_run.set(run)
        try:
            yield run
        finally:
            current_run.reset(before)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, from code in a thread: done by the run's loop.

        Raises:
            RuntimeError: There is no run, or the caller is in its loop.
        """
        if self.loop is None:
            work.close()
            raise RuntimeError("harness.model and harness.tools answer inside of a run")
        return self.wait_in(self.loop, work)

    @staticmethod
    def wait_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done by `loop` in the caller's context; the calling thread waits for it.

        Raises:
            RuntimeError: The caller is in a loop itself, which would wait for itself forever.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # as it should be: a thread without one
            return asyncio.run_coroutine_threadsafe(work, loop).result()
        work.close()
        raise RuntimeError("called without `await` in the event loop: use the asynchronous method, such as ainvoke")


current_run: ContextVar[RunContext] = ContextVar("current_run", default=RunContext())  # noqa: B039  # frozen
"""Every task copies it when it is made: tasks of one run share its records, other runs see none."""
