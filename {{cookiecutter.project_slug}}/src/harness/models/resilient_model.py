"""One model of a chain: asked within its time, its places and its retries; its answer checked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable, RunnableConfig

from ..errors import Overloaded
from ..limits.concurrency import ConcurrencyLimiter
from ..limits.deadline import Deadline
from ..settings import Settings
from .call_recorder import ModelCallRecorder
from .circuit_breaker import CircuitBreaker
from .cost import Prices
from .failures import Failures, ModelCallFailed
from .retries import Retries


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the same of every link."""

    role: str
    asked: Any
    config: RunnableConfig | None
    options: Mapping[str, Any]
    """What the caller gave by keyword, such as `stop`."""


class ModelEndpoint:
    """What all roles that ask the same model share: its breaker, its places, its retries."""

    def __init__(self, name: str, model: str, finish: str | None, settings: Settings) -> None:
        """Stand for `model`, shown as `name`, which says under `finish` why an answer ended."""
        self.name = name
        self.model = model
        self.finish = finish
        self.breaker = CircuitBreaker(
            name, settings.llm_breaker_failures, settings.llm_breaker_seconds
        )
        self.bulkhead = ConcurrencyLimiter(
            model, settings.llm_max_concurrency, settings.llm_max_queue
        )
        self.retries = Retries(settings.llm_max_retries)


class ResilientModel:
    """One model as a chain asks it."""

    FAIR_SHARE: Final = 0.25
    """Part of the configured time from which on a timeout speaks against the model, and not
    against the request that had no more time left; a guess."""

    def __init__(
        self,
        upstream: ModelEndpoint,
        runnable: Runnable[Any, Any],
        settings: Settings,
        prices: Prices,
    ) -> None:
        self.upstream = upstream
        self._runnable = runnable
        self._settings = settings
        self._prices = prices

    def with_runnable(self, runnable: Runnable[Any, Any]) -> "ResilientModel":
        """The same link with its model bound to something."""
        return ResilientModel(self.upstream, runnable, self._settings, self._prices)

    @property
    def runnable(self) -> Any:
        """The model, or what it was bound to."""
        return self._runnable

    async def ask(self, question: Question, seconds: float) -> Any:
        """The whole answer, within `seconds` and all retries.

        A message, or the `raw`, `parsed` and `parsing_error` of structured output.

        Raises:
            ModelCallFailed: There is none, or it is not usable.
        """
        until = asyncio.get_running_loop().time() + seconds
        had_full_timeout = seconds >= self._settings.llm_timeout_seconds * self.FAIR_SHARE

        async def once() -> Any:
            async with self._watched(question, until, had_full_timeout) as call:
                async with asyncio.timeout_at(until):
                    answer = await self._runnable.ainvoke(
                        question.asked, question.config, **question.options
                    )
                self._check(answer, call)
                return answer

        return await self.upstream.retries.run(once, until)

    async def open(self, question: Question, seconds: float) -> "OpenStream":
        """An answer whose first content is here: until then it may be asked for again.

        Raises:
            ModelCallFailed: There is none within `seconds` or LLM_FIRST_TOKEN_SECONDS.
        """
        now = asyncio.get_running_loop().time
        until = now() + seconds
        patience = self._settings.llm_first_token_seconds
        had_full_timeout = seconds >= patience * self.FAIR_SHARE

        async def once() -> OpenStream:
            async with AsyncExitStack() as stack:
                call = await stack.enter_async_context(
                    self._watched(question, until, had_full_timeout)
                )
                pieces = self._runnable.astream(question.asked, question.config, **question.options)
                stack.push_async_callback(pieces.aclose)  # type: ignore[attr-defined] # a generator
                opened = OpenStream(self.upstream, call, pieces, self._settings)
                async with asyncio.timeout_at(min(until, now() + patience)):
                    await opened.wait_for_content()
                opened.keep(stack.pop_all())
                return opened

        return await self.upstream.retries.run(once, until)

    @asynccontextmanager
    async def _watched(
        self, question: Question, until: float, had_full_timeout: bool
    ) -> AsyncIterator[ModelCallRecorder]:
        """One call: let through, in a place of its own, its failure named, logged and learnt from."""
        remaining = until - asyncio.get_running_loop().time()
        with self.upstream.breaker.guard():
            async with self._place(remaining):
                call = ModelCallRecorder(question.role, self.upstream.model, self._prices)
                with (
                    call.record(question.asked, question.config),
                    Failures.named(had_full_timeout=had_full_timeout),
                ):
                    yield call

    @asynccontextmanager
    async def _place(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with self.upstream.bulkhead.acquire(seconds):
                yield
        except Overloaded:
            raise ModelCallFailed("overloaded") from None

    def _check(self, answer: Any, call: ModelCallRecorder) -> None:
        """Count an answer's tokens; refuse one that says nothing."""
        message: AIMessage | None = answer["raw"] if isinstance(answer, dict) else answer
        if message is None:  # its SDK read it and kept it
            return
        call.spent(message.usage_metadata)
        if self.upstream.finish and not OpenStream.has_content(message):
            raise ModelCallFailed("upstream_invalid")


class OpenStream:
    """A streamed answer. Content is a piece of text or of a tool call; keep-alives are none."""

    def __init__(
        self,
        upstream: ModelEndpoint,
        call: ModelCallRecorder,
        pieces: AsyncIterator[AIMessageChunk],
        settings: Settings,
    ) -> None:
        self._upstream = upstream
        self._call = call
        self._source = pieces
        self._settings = settings
        self._held: list[AIMessageChunk] = []
        self._has_finished = False
        self._stack = AsyncExitStack()

    @staticmethod
    def has_content(message: AIMessage) -> bool:
        """Whether a message or a piece of one says anything; thoughts and broken calls count."""
        calls: Any = getattr(message, "tool_call_chunks", None) or message.tool_calls
        known = message.content or calls or message.invalid_tool_calls
        return bool(known or any(message.additional_kwargs.values()))

    async def wait_for_content(self) -> None:
        """Read up to the first content.

        Raises:
            ModelCallFailed: The stream ended before.
        """
        while True:
            piece = await self._next()
            if piece is None:
                raise ModelCallFailed("upstream_invalid")
            self._held.append(piece)
            if self.has_content(piece):
                return

    def keep(self, stack: AsyncExitStack) -> None:
        """Own what must be closed when the stream ends."""
        self._stack = stack

    async def pieces(self) -> AsyncGenerator[AIMessageChunk]:
        """The pieces, those that are here already first; close it to cancel the call.

        Raises:
            ModelCallFailed: Nothing more came in time, or the stream ended before its finish reason.
        """
        async with self._stack:
            for piece in self._held:
                yield piece
            content_by = self._content_by()
            while True:
                async with asyncio.timeout_at(content_by):
                    piece_or_end = await self._next()
                if piece_or_end is None:
                    break
                if self.has_content(piece_or_end):
                    content_by = self._content_by()
                yield piece_or_end
            if self._upstream.finish and not self._has_finished:
                raise ModelCallFailed("upstream_invalid")

    async def _next(self) -> AIMessageChunk | None:
        piece = await anext(self._source, None)
        if piece is not None:
            self._call.spent(piece.usage_metadata)
            if self._upstream.finish:
                self._has_finished |= bool(piece.response_metadata.get(self._upstream.finish))
        return piece

    def _content_by(self) -> float:
        patience = Deadline.clamp(self._settings.llm_next_token_seconds)
        return asyncio.get_running_loop().time() + patience
