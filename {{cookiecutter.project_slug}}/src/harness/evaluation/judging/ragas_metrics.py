"""Ragas' metrics: faithfulness, answer relevancy, and F1 of the agents that were called.

Ragas reports every call to its makers unless an environment variable has the very word `true` before it is imported.
"""

import os
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from ..recorded import RecordedRun
from .grader import NotMeasured, Sitting
from .metric import Metric

os.environ["RAGAS_DO_NOT_TRACK"] = "true"


class _Ragas(Metric):
    package = "ragas"
    modules = ("ragas.metrics.collections", "ragas.llms.base", "ragas.embeddings.base", "ragas.messages")

    @property
    def version(self) -> str:
        """Of the library."""
        return f"ragas {version('ragas')}"

    @staticmethod
    def _judge(sitting: Sitting) -> Any:
        """The factory's model as Ragas wants it: no client, parameter or retry of its own."""
        from ragas.llms.base import InstructorBaseRagasLLM

        class Judge(InstructorBaseRagasLLM):
            """Asked with `await` alone."""

            def generate(self, *_: Any) -> Any:
                """Nothing asks so.

                Raises:
                    NotImplementedError: Always.
                """
                raise NotImplementedError

            async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> Any:
                """The form that the judge fills."""
                return await sitting.form([HumanMessage(prompt)], response_model)

        return Judge()


class Faithfulness(_Ragas):
    """Share of the answer's statements that the facts hold up."""

    name = "faithfulness"
    good_from = 0.9

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        from ragas.metrics.collections import Faithfulness as Theirs

        if not run.contexts:
            raise NotMeasured("the run has no facts")
        metric = Theirs(llm=self._judge(sitting))
        given = {"user_input": run.question, "response": run.answer, "retrieved_contexts": run.contexts}
        return float((await metric.ascore(**given)).value)


class AnswerRelevancy(_Ragas):
    """How near the questions that the answer would fit are to the one that was asked; by words, not by meaning."""

    name = "answer_relevancy"

    DIMENSIONS: ClassVar = 1024
    """Of the vectors of words: two words of a question meet in one once in 20 questions."""

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        from ragas.embeddings.base import BaseRagasEmbedding
        from ragas.metrics.collections import AnswerRelevancy as Theirs

        vector = self._vector

        class Words(BaseRagasEmbedding):
            """Counts of words: needs no model and no network, and knows no synonyms."""

            def embed_text(self, text: str, **_: Any) -> list[float]:
                """The vector of `text`."""
                return vector(text)

            async def aembed_text(self, text: str, **_: Any) -> list[float]:
                """The vector of `text`."""
                return vector(text)

        metric = Theirs(llm=self._judge(sitting), embeddings=Words())
        return float((await metric.ascore(user_input=run.question, response=run.answer)).value)

    @classmethod
    def _vector(cls, text: str) -> list[float]:
        places = Counter(zlib.crc32(word.encode()) % cls.DIMENSIONS for word in re.findall(r"\w+", text.casefold()))
        return [float(places[at]) for at in range(cls.DIMENSIONS)]


class ToolCallF1(_Ragas):
    """F1 of the agents that worked against those of the case. It needs no judge."""

    name = "tool_call_f1"
    asks = False

    expected: Mapping[str, Sequence[str]] = {}
    """The agents of each case that names any."""

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        from ragas.messages import AIMessage
        from ragas.messages import HumanMessage as Asked
        from ragas.messages import ToolCall
        from ragas.metrics.collections import ToolCallF1 as Theirs

        if not (wanted := self.expected.get(run.case)):
            raise NotMeasured("the case names no agents")
        called = [ToolCall(name=name, args={}) for name in run.agents]
        talk = [Asked(content=run.question), AIMessage(content=run.answer, tool_calls=called)]
        reference = [ToolCall(name=name, args={}) for name in wanted]
        return float((await Theirs().ascore(user_input=talk, reference_tool_calls=reference)).value)
