"""A chat model that is several in a row: the next one is asked when one gives nothing usable."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable, RunnableConfig

from ..errors import ModelUnavailable
from ..limits.budget import Budget
from ..limits.deadline import Deadline
from ..run_context import RunContext
from ..telemetry.metrics import LLM_FALLBACKS
from .dialect import InWords
from .failures import ModelCallFailed, Reason
from .resilient_model import ModelRequest, ResilientModel

if TYPE_CHECKING:
    from ..runtime.answer_stream import AnswerStream

log = structlog.stdlib.get_logger(__name__)


class FailoverModel(BaseChatModel):
    """Asks its models in order, each with its share of the time that is left.

    A call of it is one model call of the run's budget, however many models are asked. It is
    asynchronous only, and keeps nothing of a request: the next one starts anew.
    """

    OWN_SHARE: ClassVar = 0.95
    """Part of the remaining time that is given to models. The rest makes sure that a hanging call
    ends by our clock and is learnt from, and not by the caller's, which only cancels it; a guess."""

    role: str

    models: Sequence[ResilientModel]

    timeout_seconds: float
    """The longest that one model may take."""

    has_tools: bool = False
    """True where it may call one."""

    is_silent: bool = False
    """True where it must call a tool, such as to fill a schema: what it writes is no answer."""

    def __repr__(self) -> str:
        return f"FailoverModel({self.role}: {' > '.join(it.endpoint.name for it in self.models)})"

    @property
    def _llm_type(self) -> str:
        return "failover"

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:  # noqa: A002
        """The first usable answer.

        Raises:
            BudgetExceeded: No model call is left.
            ModelUnavailable: No model gave one; the reason is that of the last that was tried.
        """
        answer = await self._answer(input, config, kwargs)
        if answer.invalid_tool_calls and not self.is_silent:  # it is told once; a schema's caller tells it itself
            answer = await self._answer(InWords.again(input, answer), config, kwargs)
        return answer

    async def _answer(self, given: Any, config: RunnableConfig | None, kwargs: Mapping[str, Any]) -> AIMessage:
        if self._listener(config):  # its words may be the answer
            return self.joined([piece async for piece in self.astream(given, config, **kwargs)])
        Budget.take_model_call()
        request = ModelRequest(self.role, given, config, kwargs)
        reason: Reason = "timeout"  # where no time is left for any
        for model, seconds in self._shares():
            try:
                return await model.ainvoke(request, seconds)
            except ModelCallFailed as failure:
                reason = self._record_fallback(model, failure)
        raise ModelUnavailable(self.role, reason)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any  # noqa: A002
    ) -> AsyncGenerator[AIMessageChunk]:
        """The pieces of the first answer that has a first piece of content.

        From then on no other model is asked: its words would follow upon half an answer.

        Raises:
            BudgetExceeded: No model call is left.
            ModelUnavailable: No model gave a first piece; or, after some pieces, the rest is lost.
        """
        Budget.take_model_call()
        if listener := self._listener(config):
            listener.begin(has_tools=self.has_tools)
        request = ModelRequest(self.role, input, config, kwargs)
        reason: Reason = "timeout"
        for model, seconds in self._shares():
            try:
                first, others = await model.open_stream(request, seconds)
            except ModelCallFailed as failure:
                reason = self._record_fallback(model, failure)
                continue
            try:
                async with aclosing(self._heard(first, others, listener)) as pieces:
                    async for piece in pieces:
                        yield piece
            except ModelCallFailed as failure:
                raise ModelUnavailable(self.role, failure.reason) from failure
            return
        raise ModelUnavailable(self.role, reason)

    def joined(self, pieces: Sequence[AIMessageChunk]) -> AIMessage:
        """The answer that came in these pieces.

        Raises:
            ModelUnavailable: Together they say nothing.
        """
        try:
            return self.models[0].form.joined(pieces)
        except ModelCallFailed as failure:
            raise ModelUnavailable(self.role, failure.reason) from failure

    @staticmethod
    async def _heard(
        first: AIMessageChunk, others: AsyncGenerator[AIMessageChunk], listener: "AnswerStream | None"
    ) -> AsyncGenerator[AIMessageChunk]:
        """All pieces; `listener` hears each before the caller has it."""
        async with aclosing(others):
            piece: AIMessageChunk | None = first
            while piece is not None:
                if listener:
                    listener.feed(piece)
                yield piece
                piece = await anext(others, None)
        if listener:
            listener.end()

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """The same models with tools, bound by each one's own class in its provider's words."""
        models = [model.bind_tools(tools, **kwargs) for model in self.models]
        chosen = kwargs.get("tool_choice")
        is_silent = self.is_silent or chosen not in (None, "auto", "none")
        return self.model_copy(update={"models": models, "has_tools": True, "is_silent": is_silent})

    def _listener(self, config: RunnableConfig | None) -> "AnswerStream | None":
        """Who reads along, if anybody does."""
        stream = RunContext.current().stream
        return stream if stream and not self.is_silent and stream.hears(config) else None

    def _shares(self) -> Iterator[tuple[ResilientModel, float]]:
        """Each model with its seconds: a hanging one may not use up the time of those after it."""
        for at, model in enumerate(self.models):
            deadline = Deadline.current()
            remaining = deadline.remaining_seconds * self.OWN_SHARE if deadline else inf
            if remaining <= 0:
                return
            yield model, min(self.timeout_seconds, remaining / (len(self.models) - at))

    def _record_fallback(self, model: ResilientModel, failure: ModelCallFailed) -> Reason:
        name = model.endpoint.name
        advice = {"remedy": failure.remedy} if failure.remedy else {}
        log.warning("model_gave_nothing", role=self.role, model=name, reason=failure.reason, **advice)
        if model is not self.models[-1]:
            LLM_FALLBACKS.labels(self.role, name, failure.reason).inc()
        return failure.reason

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("ask it with `await`: ainvoke or astream")
