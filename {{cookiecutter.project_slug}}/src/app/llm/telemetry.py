"""What model calls cost and how they ended: one log line a call, one sum a run."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import structlog
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult

from ..errors import NeedsDetail

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Usage:
    """What one run used, over all of its models and side-by-side agents."""

    model_calls: int = 0
    """Calls started, failed ones included; retries inside a provider's client are not seen."""

    input_tokens: int = 0
    output_tokens: int = 0
    """As the providers count. A call that failed, or whose provider sends no count, adds none."""


class UsageCollector:
    """Sums the model calls of one run.

    The sum hangs on the context, which every task copies when it is made: tasks of the same run
    add to the same sum, and no other run sees it.
    """

    _CURRENT: Final[ContextVar[Usage | None]] = ContextVar("usage", default=None)

    @classmethod
    @contextmanager
    def collect(cls) -> Iterator[Usage]:
        """The sum of all calls made inside the block; complete when the block ends."""
        usage = Usage()
        before = cls._CURRENT.set(usage)
        try:
            yield usage
        finally:
            cls._CURRENT.reset(before)

    @classmethod
    def add(cls, *, calls: int = 0, tokens: UsageMetadata | None = None) -> None:
        """Add to the sum of the run that this context belongs to, if it has one."""
        usage = cls._CURRENT.get()
        if usage is None:
            return
        usage.model_calls += calls
        if tokens is not None:
            usage.input_tokens += tokens["input_tokens"]
            usage.output_tokens += tokens["output_tokens"]


@dataclass(frozen=True, slots=True)
class StartedCall:
    """A model call that has not ended."""

    prompt: str | None
    prompt_version: str | None
    at_seconds: float
    task: asyncio.Task[Any] | None
    """The task that waits for it; None outside of an event loop."""
    on_task_end: Callable[[asyncio.Task[Any]], None]


class ModelCalls(BaseCallbackHandler):
    """Logs `model_call` when a call ends and adds it to the run's sum.

    `outcome` is `ok`, `asked` (the embedded model lacks a detail and the user is asked for it),
    `cancelled` or `failed`. No text of a message or of an exception is logged: a provider's
    exception may quote the key or the prompt.
    """

    run_inline = True
    """Called in the task that makes the call, and not in a thread beside it."""

    def __init__(self, role: str, model: str) -> None:
        """Speak for the calls of `model` in `role`."""
        self._role = role
        self._model = model
        self._started: dict[UUID, StartedCall] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Count the call; remember its prompt and when it began."""
        known = metadata or {}
        call = StartedCall(
            prompt=known.get("prompt"),
            prompt_version=known.get("prompt_version"),
            at_seconds=perf_counter(),
            task=self._current_task(),
            on_task_end=partial(self._cancelled, run_id),
        )
        self._started[run_id] = call
        if call.task is not None:
            call.task.add_done_callback(call.on_task_end)
        UsageCollector.add(calls=1)
        log.debug(
            "model_call_started",
            role=self._role,
            model=self._model,
            prompt=call.prompt,
            prompt_version=call.prompt_version,
            messages=len(messages[0]),
            chars=sum(len(message.text) for message in messages[0]),
        )

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Log the call with its tokens."""
        tokens = self._tokens(response.generations[0])
        UsageCollector.add(tokens=tokens)
        log.info(
            "model_call",
            **self._ended(run_id),
            outcome="ok",
            input_tokens=tokens["input_tokens"] if tokens else None,
            output_tokens=tokens["output_tokens"] if tokens else None,
        )

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Log the call with the class of its failure."""
        ended = self._ended(run_id)
        if isinstance(error, NeedsDetail):
            log.info("model_call", **ended, outcome="asked")
        elif isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            log.info("model_call", **ended, outcome="cancelled")
        else:
            log.warning("model_call", **ended, outcome="failed", error=type(error).__name__)

    def _cancelled(self, run_id: UUID, _: asyncio.Task[Any]) -> None:
        """Log the call that ended with its task: LangChain tells no callback of it (1.7.2)."""
        log.info("model_call", **self._ended(run_id), outcome="cancelled")

    def _ended(self, run_id: UUID) -> dict[str, Any]:
        call = self._started.pop(run_id)
        if call.task is not None:
            call.task.remove_done_callback(call.on_task_end)
        return {
            "role": self._role,
            "model": self._model,
            "prompt": call.prompt,
            "prompt_version": call.prompt_version,
            "ms": round((perf_counter() - call.at_seconds) * 1000, 1),
        }

    @staticmethod
    def _current_task() -> asyncio.Task[Any] | None:
        try:
            return asyncio.current_task()
        except RuntimeError:  # no event loop runs here
            return None

    @staticmethod
    def _tokens(answers: Sequence[Any]) -> UsageMetadata | None:
        """The provider's count; None where it sent none, as many compatible gateways do."""
        messages = [answer.message for answer in answers if isinstance(answer, ChatGeneration)]
        return next((m.usage_metadata for m in messages if isinstance(m, AIMessage)), None)
