"""TruLens' feedback functions: groundedness and relevance. Imported only where TruLens is installed."""

import asyncio
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from langchain_core.messages import BaseMessage
from trulens.core.metric.metric import GroundednessConfigs
from trulens.feedback.templates.rag import Groundedness as Prompts
from trulens.providers.langchain import Langchain

from ...models.blocking_model import BlockingModel
from ...models.endings import Endings
from ..recorded import RecordedRun
from .judge_model import NotMeasured, Sitting
from .metric import Metric

# A row says why it failed; the library would say it once more.
logging.getLogger("trulens").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module="trulens")


class _TruLens(Metric):
    good_from = 0.6
    """Of their 0, 1/3, 2/3 and 1 the upper two."""

    ASKED_PER_MINUTE: ClassVar = 60_000
    """More than any judge answers: LLM_MAX_CONCURRENCY and the provider limit, not the library's 60."""

    @property
    def version(self) -> str:
        """Of the library."""
        return f"trulens {version('trulens-feedback')}"

    async def _ask(self, sitting: Sitting, feedback: Callable[[Any], tuple[float, Any]]) -> tuple[float, Any]:
        """What `feedback` of the library's provider gives, in a thread: it waits."""

        def ask(messages: Sequence[BaseMessage]) -> str:
            if messages[0].content == Prompts.sentences_splitter_prompt:  # rules split, surer than a weak judge
                return "\n".join(self._sentences(str(messages[-1].content)))
            return asyncio.run_coroutine_threadsafe(sitting.text(messages), sitting.loop).result()

        provider = Langchain(chain=BlockingModel(ask=ask), rpm=self.ASKED_PER_MINUTE)
        provider.endpoint.retries = 0  # the factory has tried again already
        return await asyncio.to_thread(feedback, provider)

    @staticmethod
    def _sentences(text: str) -> list[str]:
        marked = Endings.SENTENCE.sub(lambda end: f"{end[0]}\n", text)
        return [it.strip() for it in marked.splitlines() if re.search(r"\w", it)]


class Groundedness(_TruLens):
    """Mean of how much the facts hold each sentence of the answer up."""

    name = "groundedness"

    OFFLINE: ClassVar = GroundednessConfigs(use_sent_tokenize=False, filter_trivial_statements=False)
    """Else it fetches the data of its splitter from the network."""

    def calls(self, run: RecordedRun) -> int:
        """Once a sentence."""
        return len(self._sentences(run.answer)) * bool(run.contexts)

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        if not run.contexts:
            raise NotMeasured("the run has no facts")
        given = {"source": "\n".join(run.contexts), "statement": run.answer, "groundedness_configs": self.OFFLINE}
        score, told = await self._ask(sitting, lambda it: it.groundedness_measure_with_cot_reasons(**given))
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
