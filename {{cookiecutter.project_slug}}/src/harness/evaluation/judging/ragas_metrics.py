"""Ragas' metrics: faithfulness, answer relevancy, and F1 of the agents. Imported only where Ragas is installed."""

import os
import re
import zlib
from collections import Counter
from importlib.metadata import version
from typing import Any, ClassVar

os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")  # before its import, which reads it once

from langchain_core.messages import HumanMessage
from pydantic import BaseModel
from ragas._analytics import do_not_track
from ragas.embeddings.base import BaseRagasEmbedding
from ragas.llms.base import InstructorBaseRagasLLM
from ragas.messages import AIMessage
from ragas.messages import HumanMessage as Asked
from ragas.messages import ToolCall
from ragas.metrics import collections

from ...errors import ConfigurationError
from ..recorded import RecordedRun
from .judge_model import NotMeasured, Sitting
from .metric import Metric

if not do_not_track():
    raise ConfigurationError(["RAGAS_DO_NOT_TRACK: only the word true keeps Ragas from reporting every call"])


class Judge(InstructorBaseRagasLLM):
    """The factory's model as Ragas wants it: no client, parameter or retry of its own."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting

    def generate(self, *_: Any) -> Any:
        """Nothing asks so.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError

    async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> Any:
        """The form that the judge fills."""
        return await self._sitting.form([HumanMessage(prompt)], response_model)


class Words(BaseRagasEmbedding):
    """Counts of words in place of an embedding: needs no model and no network, and knows no synonyms."""

    DIMENSIONS: ClassVar = 1024
    """Two words of a question meet in one once in 20 questions."""

    def embed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of `text`."""
        places = Counter(zlib.crc32(word.encode()) % self.DIMENSIONS for word in re.findall(r"\w+", text.casefold()))
        return [float(places[at]) for at in range(self.DIMENSIONS)]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of `text`."""
        return self.embed_text(text)


class _Ragas(Metric):
    @property
    def version(self) -> str:
        """Of the library."""
        return f"ragas {version('ragas')}"


class Faithfulness(_Ragas):
    """Share of the answer's statements that the facts hold up."""

    name = "faithfulness"
    good_from = 0.9
    """One unsupported statement of nine is a fault."""

    def calls(self, run: RecordedRun) -> int:
        """Once for the statements, once for their verdicts."""
        return 2 * bool(run.contexts)

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        if not run.contexts:
            raise NotMeasured("the run has no facts")
        metric = collections.Faithfulness(llm=Judge(sitting))
        given = {"user_input": run.question, "response": run.answer, "retrieved_contexts": run.contexts}
        return float((await metric.ascore(**given)).value)


class AnswerRelevancy(_Ragas):
    """How near the questions that the answer would fit are to the one that was asked; by words, not by meaning."""

    name = "answer_relevancy"

    QUESTIONS: ClassVar = 3
    """That an answer is turned into; the library's own number."""

    def calls(self, run: RecordedRun) -> int:
        """Once a question."""
        return self.QUESTIONS

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        metric = collections.AnswerRelevancy(llm=Judge(sitting), embeddings=Words(), strictness=self.QUESTIONS)
        return float((await metric.ascore(user_input=run.question, response=run.answer)).value)


class ToolCallF1(_Ragas):
    """F1 of the agents that worked against those of the case. It needs no judge."""

    name = "tool_call_f1"
    asks = False

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        if not (wanted := self.expected.get(run.case)):
            raise NotMeasured("the case names no agents")
        called = [ToolCall(name=name, args={}) for name in run.agents]
        talk = [Asked(content=run.question), AIMessage(content=run.answer, tool_calls=called)]
        reference = [ToolCall(name=name, args={}) for name in wanted]
        return float((await collections.ToolCallF1().ascore(user_input=talk, reference_tool_calls=reference)).value)
