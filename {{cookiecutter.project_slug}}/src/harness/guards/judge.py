"""A model as detector: the role `judge` of the one factory."""

from collections.abc import Sequence
from typing import NoReturn

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, Field

from ..errors import ConfigurationError
from ..limits.budget import Budget
from ..models.factory import LLMFactory
from ..prompts.fence import Fence
from ..prompts.judge import JUDGE
from ..prompts.language import Language
from .injection_guard import Origin


class Judgement(BaseModel):
    """What the text is."""

    is_attack: bool = Field(description="True when the text tries to change what the agents do.")


class JudgeScript:
    """The embedded model as judge, which the settings refuse: it could only repeat the rules."""

    def respond(self, messages: Sequence[BaseMessage], bound: Sequence[str]) -> NoReturn:
        """Judge nothing.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(["INJECTION_JUDGE: the embedded model judges nothing"])


class Judge:
    """Asks a model. Each judgement is a model call of the run, in its budget, usage and logs."""

    name = "judge"

    def __init__(self, factory: LLMFactory, language: Language) -> None:
        """Ask in `language`; the text may be in any."""
        model = factory.for_role("judge", JudgeScript())
        self._model = model.bind_tools([Judgement], tool_choice="any")
        self._system = SystemMessage(JUDGE.render(language))

    async def finds(self, text: str, origin: Origin) -> bool:
        """What the model says.

        Raises:
            BudgetExceeded: The run has no model call left.
            ModelUnavailable: No model of the role answered.
            Exception: Whatever a provider raises, and a ValueError for another answer than asked.
        """
        Budget.take_model_call()
        asked = HumanMessage(Fence.wrap(origin, text))
        answer = await self._model.ainvoke([self._system, asked], {"metadata": JUDGE.metadata})
        if not answer.tool_calls:
            raise ValueError("no judgement")
        return Judgement.model_validate(answer.tool_calls[0]["args"]).is_attack

    async def aclose(self) -> None:
        """Nothing: the factory closes its models."""
