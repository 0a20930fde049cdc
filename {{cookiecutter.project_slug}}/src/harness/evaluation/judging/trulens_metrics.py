"""TruLens' feedback functions: groundedness and relevance."""

import asyncio
import logging
import re
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from ...models.endings import Endings
from ..recorded import RecordedRun
from .grader import NotMeasured, Sitting
from .metric import Metric


class Bridge(BaseChatModel):
    """A model that is asked with `await`, for a library that asks from threads of its own.

    What the library adds, such as a temperature, stays here: the service's settings say what is sent.
    """

    sitting: Any
    split: str
    """The library's order to split an answer into sentences: rules do that, surer than a weak judge."""

    @property
    def _llm_type(self) -> str:
        return "bridge"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if messages[0].content == self.split:
            text = "\n".join(self._sentences(str(messages[-1].content)))
        else:
            text = asyncio.run_coroutine_threadsafe(self.sitting.text(messages), self.sitting.loop).result()
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    @staticmethod
    def _sentences(text: str) -> list[str]:
        marked = Endings.SENTENCE.sub(lambda end: f"{end[0]}\n", text)
        return [it.strip() for it in marked.splitlines() if re.search(r"\w", it)]


class _TruLens(Metric):
    package = "trulens"
    modules = ("trulens.feedback", "trulens.core.metric.metric", "trulens.providers.langchain")

    good_from = 0.6
    """Of their 0, 1/3, 2/3 and 1 the upper two."""

    ASKED_PER_MINUTE: ClassVar = 60_000
    """More than any judge answers: LLM_MAX_CONCURRENCY and the provider limit, not the library's 60."""

    @classmethod
    def load(cls) -> Self:
        """It, ready, without the library's log of each failure: the row says why."""
        metric = super().load()
        logging.getLogger(cls.package).setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", module=cls.package)
        return metric

    @property
    def version(self) -> str:
        """Of the library."""
        return f"trulens {version('trulens-feedback')}"

    async def _ask(self, sitting: Sitting, feedback: Callable[[Any], tuple[float, Any]]) -> tuple[float, Any]:
        """What `feedback` of the library's provider gives, in a thread: it waits."""
        from trulens.feedback.templates.rag import Groundedness as Prompts
        from trulens.providers.langchain import Langchain

        bridge = Bridge(sitting=sitting, split=Prompts.sentences_splitter_prompt)
        provider = Langchain(chain=bridge, rpm=self.ASKED_PER_MINUTE)
        provider.endpoint.retries = 0  # the factory has tried again already
        return await asyncio.to_thread(feedback, provider)


class Groundedness(_TruLens):
    """Mean of how much the facts hold each sentence of the answer up."""

    name = "groundedness"

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        from trulens.core.metric.metric import GroundednessConfigs

        if not run.contexts:
            raise NotMeasured("the run has no facts")
        # Else it fetches the data of its splitter from the network.
        offline = GroundednessConfigs(use_sent_tokenize=False, filter_trivial_statements=False)
        source = "\n".join(run.contexts)

        def ask(provider: Any) -> Any:
            return provider.groundedness_measure_with_cot_reasons(source, run.answer, groundedness_configs=offline)

        score, told = await self._ask(sitting, ask)
        scores = [it["score"] for it in told.get("reasons", [])]
        if unscored := sum(not 0 <= it <= 1 for it in scores):  # their mean leaves them out
            raise NotMeasured(f"{unscored} of {len(scores)} sentences have no score")
        return score


class Relevance(_TruLens):
    """How well the answer fits the question."""

    name = "relevance"

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        score, _ = await self._ask(sitting, lambda it: it.relevance_with_cot_reasons(run.question, run.answer))
        return score
