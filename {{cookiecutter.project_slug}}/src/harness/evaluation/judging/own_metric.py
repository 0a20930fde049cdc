"""Our own judge: one call a run, and no library beside the service's."""

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel, Field

from ...prompts.grader import GRADER
from ...prompts.prompt import Prompt
from ..recorded import RecordedRun
from .judge_model import Sitting
from .metric import Metric


class Grade(BaseModel):
    """What an answer is worth."""

    reason: str = Field(description="The worst fault of the answer, or that there is none, in one sentence.")
    score: float = Field(ge=0, le=1, description="1 when the answer has no fault, 0 when it has one.")


class OwnMetric(Metric):
    """Whether an answer says what the facts say, all that was asked, in the question's language."""

    name = "grader"

    @property
    def version(self) -> str:
        """Of the prompt."""
        return f"prompt {GRADER.version}"

    async def score(self, run: RecordedRun, sitting: Sitting) -> float:
        """The score of `run`."""
        parts = {"question": run.question, "facts": "\n".join(run.contexts), "answer": run.answer}
        fenced = "\n".join(Prompt.fence(kind, text) for kind, text in parts.items())
        messages = [SystemMessage(GRADER.render("en")), HumanMessage(fenced)]
        grade = await sitting.form(messages, Grade, [("version", self.version), *parts.items()])
        return grade.score
