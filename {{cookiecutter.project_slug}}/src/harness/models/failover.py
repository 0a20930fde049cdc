"""The models of one role in a row: the next one is asked when one gives nothing usable."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from math import inf
from typing import Any, Final

import structlog
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import BaseOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, RunnableSequence
from langchain_core.tools import BaseTool
from pydantic import ValidationError

from ..errors import ModelUnavailable
from ..limits.deadline import Deadline
from ..telemetry.metrics import LLM_FALLBACKS
from .failures import ModelCallFailed, Reason
from .resilient_model import Question, ResilientModel

log = structlog.stdlib.get_logger(__name__)

ASYNC_ONLY = "a chain is asked with `await`: ainvoke or astream"


class FailoverChain:
    """Asks its links in order. It keeps nothing of a request: the next one starts anew."""

    OWN_SHARE: Final = 0.95
    """Part of the remaining time that is given to links. The rest makes sure that a hanging call
    ends by our clock and is learnt from, and not by the caller's, which only cancels it; a guess."""

    def __init__(self, role: str, links: Sequence[ResilientModel], timeout_seconds: float) -> None:
        """Give each link at most `timeout_seconds`."""
        self.role = role
        self.links = links
        self._timeout = timeout_seconds

    def __repr__(self) -> str:
        return f"Chain({self.role}: {' > '.join(link.upstream.name for link in self.links)})"

    def with_each(self, change: Callable[[Any], Runnable[Any, Any]]) -> "FailoverChain":
        """The same chain over models that are each bound to something."""
        links = [link.with_runnable(change(link.runnable)) for link in self.links]
        return FailoverChain(self.role, links, self._timeout)

    async def ask(self, asked: Any, config: RunnableConfig | None, options: dict[str, Any]) -> Any:
        """The first usable answer.

        Raises:
            ModelUnavailable: No link gave one; the reason is that of the last that was tried.
        """
        question = Question(self.role, asked, config, options)
        reason: Reason = "timeout"  # where no time is left for any
        for link, seconds in self._turns():
            try:
                return await link.ask(question, seconds)
            except ModelCallFailed as failure:
                reason = self._give_up(link, failure)
        raise ModelUnavailable(self.role, reason)

    async def stream(
        self, asked: Any, config: RunnableConfig | None, options: dict[str, Any]
    ) -> AsyncGenerator[AIMessageChunk]:
        """The pieces of the first answer that has a first piece of content.

        From then on no other link is asked: its words would follow upon half an answer.

        Raises:
            ModelUnavailable: No link gave a first piece; or, after some pieces, the rest is lost.
        """
        question = Question(self.role, asked, config, options)
        reason: Reason = "timeout"
        for link, seconds in self._turns():
            try:
                opened = await link.open(question, seconds)
            except ModelCallFailed as failure:
                reason = self._give_up(link, failure)
                continue
            try:
                async with aclosing(opened.pieces()) as pieces:
                    async for piece in pieces:
                        yield piece
            except ModelCallFailed as failure:
                raise ModelUnavailable(self.role, failure.reason) from failure
            return
        raise ModelUnavailable(self.role, reason)

    def _turns(self) -> Iterator[tuple[ResilientModel, float]]:
        """Each link with its seconds: a hanging one may not use up the time of those after it."""
        for at, link in enumerate(self.links):
            deadline = Deadline.current()
            remaining = deadline.remaining_seconds * self.OWN_SHARE if deadline else inf
            if remaining <= 0:
                return
            yield link, min(self._timeout, remaining / (len(self.links) - at))

    def _give_up(self, link: ResilientModel, failure: ModelCallFailed) -> Reason:
        name = link.upstream.name
        log.warning("model_gave_nothing", role=self.role, model=name, reason=failure.reason)
        if link is not self.links[-1]:
            LLM_FALLBACKS.labels(self.role, name, failure.reason).inc()
        return failure.reason


class FailoverModel(BaseChatModel):
    """A chain as the graph and LangChain's agents know it: a chat model. It is asynchronous only."""

    chain: FailoverChain

    @property
    def _llm_type(self) -> str:
        return "chain"

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """The answer of the first link that gives one.

        Raises:
            ModelUnavailable: None did.
        """
        answer: AIMessage = await self.chain.ask(input, config, kwargs)
        return answer

    async def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """The pieces of the first answer that has a first piece.

        Raises:
            ModelUnavailable: There is none; or, after some pieces, the rest is lost.
        """
        async with aclosing(self.chain.stream(input, config, kwargs)) as pieces:
            async for piece in pieces:
                yield piece

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The chain with tools, bound by each link's own class in its provider's words."""
        bound = self.chain.with_each(lambda model: model.bind_tools(tools, **kwargs))
        return FailoverModel(chain=bound)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """The chain that gives `schema`.

        An answer in another shape is an answer: the next link is not asked, the caller may ask
        again with better words.
        """
        parsing = self.chain.with_each(
            lambda model: Parsing(model.with_structured_output(schema, **kwargs))
        )
        return StructuredChain(parsing, include_raw=include_raw)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError(ASYNC_ONLY)


class Awaited(Runnable[LanguageModelInput, Any]):
    """A runnable that is asynchronous only."""

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """Not there."""
        raise NotImplementedError(ASYNC_ONLY)


class Parsing(Awaited):
    """One link's structured output, its failed parsing told in the answer wherever it failed.

    LangChain's own `include_raw` gives the same answer by four runnables more: 2.2 ms of CPU a
    call (langchain-core 1.7, `nox -s benchmark` of the template).
    """

    def __init__(self, runnable: Runnable[Any, Any]) -> None:
        """Take what `with_structured_output` gave: the model and its parser in a row."""
        if not isinstance(runnable, RunnableSequence):
            raise TypeError(f"a model and a parser are expected, not {type(runnable).__name__}")
        model, *parsers = runnable.steps
        if isinstance(model, RunnableBinding):
            # For traces only, and turned into a JSON schema anew for each call: 0.7 ms.
            kept = {k: v for k, v in model.kwargs.items() if k != "ls_structured_output_format"}
            model = model.model_copy(update={"kwargs": kept})
        self._model = model
        self._readings = [self._reading(parser) for parser in parsers]

    @staticmethod
    def _reading(parser: Runnable[Any, Any]) -> Callable[[Any], Any]:
        """What a parser does, without a run of its own in traces: 0.1 ms."""
        if isinstance(parser, BaseOutputParser):
            return lambda message: parser.parse_result([ChatGeneration(message=message)])
        return parser.invoke

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """`raw`, `parsed` and `parsing_error`, as LangChain names them."""
        raw = None
        try:
            raw = parsed = await self._model.ainvoke(input, config, **kwargs)
            for read in self._readings:
                parsed = read(parsed)
        except (ValidationError, OutputParserException) as error:
            # Without `raw` where OpenAI's own SDK has parsed, before LangChain could.
            return {"raw": raw, "parsed": None, "parsing_error": error}
        return {"raw": raw, "parsed": parsed, "parsing_error": None}


class StructuredChain(Awaited):
    """A chain whose answers are parsed."""

    def __init__(self, chain: FailoverChain, *, include_raw: bool) -> None:
        """Give the parsed object; with `include_raw` the message beside it, as LangChain does."""
        self._chain = chain
        self._include_raw = include_raw

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """The object of the first answer.

        Raises:
            ModelUnavailable: No link answered.
            OutputParserException: The answer breaks the schema; it is a ValueError.
        """
        answer = await self._chain.ask(input, config, kwargs)
        if self._include_raw:
            return answer
        if answer["parsed"] is None:
            problem = answer["parsing_error"]
            raise OutputParserException(f"not the schema: {type(problem).__name__}") from problem
        return answer["parsed"]
