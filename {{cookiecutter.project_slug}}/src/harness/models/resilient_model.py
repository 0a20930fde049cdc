"""One model with timeout, concurrency limit, retries and circuit breaker."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

import orjson
import structlog
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.runnables import RunnableConfig

from ..errors import Overloaded
from ..limits.concurrency import ConcurrencyLimiter
from ..limits.deadline import Deadline
from ..settings import EMBEDDED, Settings
from .answer_form import AnswerForm
from .call_recorder import ModelCallRecorder, Prices
from .circuit_breaker import CircuitBreaker
from .dialect import Dialect, InWords
from .failures import ModelCallFailed, Retries
from .thoughts import Thoughts

log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What is sent, the same to every model of a chain."""

    role: str
    input: Any
    config: RunnableConfig | None
    options: Mapping[str, Any]
    """What the caller gave by keyword, such as `stop`."""

    MARK: ClassVar = "harness"
    """Tag of every call of a model that the factory made."""

    @property
    def marked(self) -> RunnableConfig:
        """The configuration of the provider's own model."""
        config = self.config or {}
        return {**config, "tags": [*(config.get("tags") or ()), self.MARK]}


class ModelEndpoint:
    """What all roles that use the same model share: its breaker, concurrency limit, retries, and what it lacks."""

    def __init__(
        self, name: str, model: str, settings: Settings, prices: Prices, parameters: Set[str] = frozenset()
    ) -> None:
        """Stand for `model`, shown as `name`, whose class sends `parameters` that an endpoint may refuse."""
        self.name = name
        self.model = model
        self.is_embedded = model == EMBEDDED
        self.settings = settings
        self.prices = prices
        self.breaker = CircuitBreaker(name, settings.llm_breaker_failures, settings.llm_breaker_seconds)
        self.limiter = ConcurrencyLimiter(model, settings.llm_max_concurrency, settings.llm_max_queue)
        self.retries = Retries(settings.llm_max_retries)
        self.dialect = Dialect(name, parameters)
        self.opens_no_thoughts = False
        """True once it has ended thoughts that it had not opened: from then on its words wait for their end."""


class ResilientModel:
    """A chat model whose calls are bounded in time, limited, retried and guarded by a breaker."""

    FAIR_SHARE: Final = 0.25
    """Part of the configured time from which on a timeout speaks against the model, and not
    against the request that had no more time left; a guess."""

    def __init__(
        self,
        endpoint: ModelEndpoint,
        model: Any,
        tools: Sequence[Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Wrap `model`, with `tools` bound to it in its provider's words."""
        self.endpoint = endpoint
        self._model = model
        self._tools = tools
        self._options = options or {}
        self.form = AnswerForm.of(tools or (), self._options, may_be_silent=endpoint.is_embedded)
        self._in_words = InWords(tools or (), self._options, is_required=self.form.is_required)
        self._spoken: dict[frozenset[str], Any] = {}
        self._speaking(endpoint.dialect.lacks)

    def bind_tools(self, tools: Any, **options: Any) -> "ResilientModel":
        """The same model with tools, in its provider's words."""
        return ResilientModel(self.endpoint, self._model, tools, options)

    @property
    def _comes_whole(self) -> bool:
        """True where its class does not stream: the first piece of an answer is all of it."""
        off = getattr(self._model, "disable_streaming", False)
        return off is True or (off == "tool_calling" and bool(self._tools))

    async def ainvoke(self, request: ModelRequest, seconds: float) -> AIMessage:
        """The whole answer, within `seconds` and all retries.

        Raises:
            ModelCallFailed: There is none, or it is not usable.
        """
        until = asyncio.get_running_loop().time() + seconds
        is_fair = seconds >= self.endpoint.settings.llm_timeout_seconds * self.FAIR_SHARE

        async def attempt(lacks: frozenset[str]) -> AIMessage:
            given = self._in_words.request(request.input, lacks)
            async with self._call(request, until, had_full_timeout=is_fair) as call:
                async with asyncio.timeout_at(until):
                    answer: AIMessage = await self._speaking(lacks).ainvoke(given, request.marked, **request.options)
                call.count(answer.usage_metadata)
                self.endpoint.opens_no_thoughts |= Thoughts.are_unopened_in(str(answer.text))
                return self.form.whole(answer)

        answer = await self.endpoint.retries.run(partial(self._understood, attempt), until)
        dialect = self.endpoint.dialect
        if not self.form.is_required or "tools" in dialect.lacks:
            return answer
        if answer.tool_calls or answer.invalid_tool_calls:
            dialect.ignored(has_ignored=False)
            return answer
        try:  # some endpoints leave tools out without a word
            told = await attempt(dialect.lacks | {"tools"})
        except ModelCallFailed:
            return answer
        dialect.ignored(has_ignored=bool(told.tool_calls))
        return told if told.tool_calls else answer

    async def open_stream(
        self, request: ModelRequest, seconds: float
    ) -> tuple[AIMessageChunk, AsyncGenerator[AIMessageChunk]]:
        """An answer whose first content is here, as its first piece and the others.

        Until then it may be asked for again. Close the others to cancel the call.

        Raises:
            ModelCallFailed: There is none within `seconds` or LLM_FIRST_TOKEN_SECONDS.
        """
        until = asyncio.get_running_loop().time() + seconds
        is_fair = seconds >= self.endpoint.settings.llm_first_token_seconds * self.FAIR_SHARE

        async def attempt(lacks: frozenset[str]) -> tuple[AIMessageChunk, AsyncGenerator[AIMessageChunk]]:
            pieces = self._pieces(request, until, lacks, had_full_timeout=is_fair)
            return await anext(pieces), pieces

        return await self.endpoint.retries.run(partial(self._understood, attempt, is_stream=True), until)

    async def _understood(self, attempt: Callable[[frozenset[str]], Awaitable[T]], *, is_stream: bool = False) -> T:
        """What `attempt` gives, without what the endpoint refuses to be sent: its first refusal else."""
        dialect = self.endpoint.dialect
        used = dialect.used(self._options, has_tools=bool(self._tools), is_stream=is_stream)
        lacks, first = dialect.lacks, None
        while True:
            try:
                answer = await attempt(lacks)
            except ModelCallFailed as failure:
                first = first or failure
                name = dialect.next_to_leave_out(failure, used, lacks)
                if name is None:
                    raise first if failure.reason == "refused" else failure  # noqa: B904 - it is the one
                lacks |= {name}
            else:
                dialect.learn(used, lacks)
                return answer

    def _speaking(self, lacks: frozenset[str]) -> Any:
        """The model as an endpoint with these gaps understands it."""
        if lacks not in self._spoken:
            options = dict(self._options)
            choices = getattr(self._model, "supports_tool_choice_values", None)
            if choices is not None and options.get("tool_choice") not in choices:
                options.pop("tool_choice", None)  # Bedrock's class would refuse it
            self._spoken[lacks] = Dialect.spoken(self._model, self._tools, options, lacks)
        return self._spoken[lacks]

    async def _pieces(
        self, request: ModelRequest, until: float, lacks: frozenset[str], *, had_full_timeout: bool
    ) -> AsyncGenerator[AIMessageChunk]:
        """The pieces of one call in our form, the first when there is content; keep-alives are none."""
        settings = self.endpoint.settings
        now = asyncio.get_running_loop().time
        waiting: list[AIMessageChunk] = []
        answer = self.form.pieces(is_held=self.endpoint.opens_no_thoughts)
        given = self._in_words.request(request.input, lacks)
        async with self._call(request, until, had_full_timeout=had_full_timeout) as call:
            source = self._speaking(lacks).astream(given, request.marked, **request.options)
            try:
                content_by = until if self._comes_whole else min(until, now() + settings.llm_first_token_seconds)
                while True:
                    async with asyncio.timeout_at(content_by):
                        told: AIMessage | None = await anext(source, None)
                    if told is None:
                        break
                    piece = self._piece(told)
                    if AnswerForm.says_something(piece) or piece.response_metadata.get("thinks"):
                        content_by = now() + Deadline.clamp(settings.llm_next_token_seconds)
                    waiting.append(answer.feed(piece))
                    call.count(answer.usage)
                    while answer.has_begun and waiting:
                        yield waiting.pop(0)
                for piece in [*waiting, answer.end()]:
                    yield piece
            finally:
                self.endpoint.opens_no_thoughts |= answer.has_unopened_thoughts
                await source.aclose()

    @staticmethod
    def _piece(told: AIMessage) -> AIMessageChunk:
        """A piece of an answer; one that comes whole, as its only piece."""
        if isinstance(told, AIMessageChunk):
            return told
        calls = [
            tool_call_chunk(name=it["name"], args=orjson.dumps(it["args"]).decode(), id=it["id"], index=at)
            for at, it in enumerate(told.tool_calls)
        ]
        return AIMessageChunk(
            content=told.content,
            tool_call_chunks=calls,
            usage_metadata=told.usage_metadata,
            response_metadata=told.response_metadata,
        )

    @asynccontextmanager
    async def _call(
        self, request: ModelRequest, until: float, *, had_full_timeout: bool
    ) -> AsyncIterator[ModelCallRecorder]:
        """One call: admitted by the breaker and the limit, its outcome recorded in both."""
        endpoint = self.endpoint
        with endpoint.breaker.guard():
            try:
                async with endpoint.limiter.acquire(until - asyncio.get_running_loop().time()):
                    call = ModelCallRecorder(request.role, endpoint.model, endpoint.prices)
                    with (
                        call.record(request.input, request.config),
                        ModelCallFailed.translated(had_full_timeout=had_full_timeout),
                    ):
                        yield call
            except Overloaded:
                raise ModelCallFailed("overloaded") from None
